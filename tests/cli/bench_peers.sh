#!/usr/bin/env bash
# tests/bench: peers.py leaves out what is not installed, and results.py makes the page. No figure
# is looked at.
. "$1/tests/support/cli.sh"
has_python argparse csv json math select statistics subprocess tempfile || {
    echo "not covered: tests/bench (no python3 with json, csv and the like)"
    exit 0
}
[ -x "$build/tests/gpu/bench_models" ] || {
    echo "not covered: tests/bench (no bench_models in the build)"
    exit 0
}

# A python without peers, whatever this machine has: -S leaves out its packages.
cat >python <<'SH'
#!/bin/sh
exec python3 -S "$@"
SH
chmod +x python
python3 -S - "$source/tests/bench/peers.py" --build "$build" --data none --cases i --tested i --threads 1 \
    --seconds 0 --results rows.json >out 2>err <<'PY' || fail "peers.py fails"
import runpy, sys
sys.executable = "./python"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
PY
has err "peers.py: torch, left out, numpy cannot be imported"
has err "peers.py: diffrax, left out, numpy cannot be imported"
has out "i train    1 odeon"
has out "i forward  1 odeon"
has out "i test     1 odeon"
python3 -c '
import json
x = json.load(open("rows.json"))
assert [(r["system"], r["what"]) for r in x["rows"]] == [("odeon", "train"), ("odeon", "forward"), ("odeon", "test")]
# The whole test split, not a batch.
assert x["rows"][2]["batch"] == 30, x["rows"]
assert all(r["low"] <= r["median"] <= r["high"] and int(r["evals_f"]) > 0 for r in x["rows"])
assert len(x["notes"]) == 4, x["notes"]' || fail "other rows"

# A case without data is left out, and said.
python3 "$source/tests/bench/peers.py" --build "$build" --data none --cases a --threads 1 \
    --seconds 0 --results none.json >out 2>err || fail "peers.py without data fails"
has err "peers.py: odeon, a, left out, data: "

mkdir page
mv rows.json page/peers.json
printf '50.0\t10.0\n' >page/peak-1.tsv
printf 'source\tsomewhere\n' >page/facts.tsv
printf 'iris as shipped\t300\t28.0\tepochs\n' >page/shipped.tsv
"$odeon" bench "$source/conf/iris_anode_time.ini" run.workers=1 --what operators --seconds 0 \
    --samples 1 --csv >page/i.csv
printf '60.0\tcpu.so\ttile_two\n30.0\tcpu.so\tfilters_1_6_2_1_0\n10.0\t[kernel]\tclear_page\n' >page/i.profile
python3 "$source/tests/bench/results.py" page >page.md || fail "results.py fails"
for text in "| source | somewhere |" "| i | 1 | odeon |" "| peak, 1 thread | 50.0 GFLOP/s" \
    "| i | gemm a=16x" "| iris as shipped | 300 | 28.0 | epochs |" "- torch, left out" "| products | 66.7 |" "| i | 1 | odeon | 30 |" \
    "| convolutions, vectors of filters | 33.3 |" "## Why it stands so"; do
    has page.md "$text"
done
answer=0
bash "$source/tests/bench/results.sh" --bogus >out 2>err || answer=$?
[ "$answer" -eq 2 ] || fail "results.sh --bogus: exit code $answer"
