#!/usr/bin/env bash
# tests/gpu/run.sh whole, on the host side of the device cuda: every part runs, what only a GPU or its
# tools have is given by stand-ins, and what is left is what a run on a GPU leaves. Then one that is
# cut off.
. "$1/tests/support/cli.sh"
unset DEPS BUDGET SEED WORK
python=/usr/bin/python3
if [ ! -e "$build/test-plugins/device/mocked.so" ] || [ ! -x "$build/tests/gpu/bench_models" ]; then
    cat "$build/not_covered"
    exit 0
fi
if ! "$python" -c 'import array, csv, glob, json, math, os, struct' 2>/dev/null; then
    echo "not covered: tests/gpu/run.sh whole (no $python with csv, json and the like, which makes tables)"
    exit 0
fi
run() { # OUT
    BUDGET=3000 BUILD=$build DEVICE=mocked OUT=$work/$1 PYTHON=$python exec "$source/tests/gpu/run.sh" >"$1.said" 2>"$1.err"
}
(run whole) || fail "run.sh: $(grep -h FAILED whole/results.tsv) $(tail -n 3 whole.err)"
for file in RESULTS.md results.tsv log.txt parts/11-facts.tsv; do
    [ -e whole/$file ] || fail "run.sh leaves no $file"
done
! grep '^skip' whole/results.tsv || fail "run.sh left something out"

# Every check that a GPU gets.
cut -f 1,2 whole/results.tsv | sed -n 's/^check.//p' | sort >checks
diff - checks <<'END' || fail "other checks than on a GPU"
build
capture a
capture c
capture d
constants
curves a
curves b
device
gradients a float32
gradients a float64
gradients b float32
gradients b float64
gradients c float32
gradients c float64
gradients d float32
gradients d float64
gradients e float32
gradients e float64
kernels a
memcheck, model a
memcheck, operators
memcheck, recorded, by libraries
operators
test_capture_solve
test_torchdiffeq_steps
times
times of operators
END

# Launches and waits of all that is timed.
awk -F '\t' '$1 == "time" && $2 ~ /^odeon/ { print $2, $3, $4, $15, $16 }' whole/results.tsv | sort >counts
LC_ALL=C sort <<'END' | diff - <(LC_ALL=C sort counts) || fail "launches and waits are other than they were"
odeon a field 3 0
odeon a forward 4 1
odeon a train 39 3
odeon a vjp 12 0
odeon b field 3 0
odeon b forward 4 1
odeon b train 31 3
odeon b vjp 16 0
odeon c field 8 0
odeon c forward 2 0
odeon c train 56 1
odeon c vjp 33 0
odeon capture=no a field 3 0
odeon capture=no a forward 105 4
odeon capture=no a train 355 7
odeon capture=no a vjp 12 0
odeon d field 3 0
odeon d forward 4 1
odeon d train 20 2
odeon d vjp 16 0
odeon e field 7 0
odeon e forward 4 1
odeon e train 54 3
odeon e vjp 26 0
odeon fastest a field 4 0
odeon fastest a forward 4 1
odeon fastest a train 40 3
odeon fastest a vjp 13 0
odeon tf32 c field 8 0
odeon tf32 c forward 2 0
odeon tf32 c train 56 1
odeon tf32 c vjp 33 0
END

# The page has a row of each, and a table of each kind.
for row in '| a | odeon |' '| e | torchdiffeq |' '| c | diffrax, WHILE |' '| b | diffrax |' '| a | run_lincomb_f32 |' \
    '| pass of a WHILE node | 4 |'; do
    grep -qF "$row" whole/RESULTS.md || fail "RESULTS.md has no row $row"
done

# A run that is killed while it measures: what was measured is there, and can be made a page of.
export -f run
export work build python source
setsid bash -c 'run cut' & # parts have groups of their own, but one session
cut=$!
for ((i = 0; i < 6000; i++)); do
    ! grep -q '^time.odeon.a.forward' cut/parts/*-ours.tsv 2>/dev/null || break
    kill -0 $cut 2>/dev/null || fail "run.sh ended by itself: $(tail -n 3 cut.err)"
    sleep 0.1
done
ps -o pid= -s $cut | xargs kill -KILL
wait $cut 2>/dev/null || true
grep -q '^check.operators.ok' cut/results.tsv || fail "no results of the parts before"
grep -q '| operators | ok |' cut/RESULTS.md || fail "no page of the parts before"
"$python" "$source/tests/gpu/report.py" cut/parts >page.md
grep -qF '| a | odeon |' page.md || fail "what a part had measured is lost"
