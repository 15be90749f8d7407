#!/usr/bin/env bash
# sweep: runs of all combinations, kept when it is repeated or interrupted; a failed one is a row.
. "$1/tests/support/cli.sh"
toy
cp "$ini/small.ini" .

# Two tolerances times two seeds: four runs, two rows with deviations.
grid=(model.ode.rtol='1e-2|1e-4' run.seed=1..2 run.epochs=1 run.workers=1)
expect 0 "4 runs in sweeps/small: 0 finished, 4 to do" sweep small.ini "${grid[@]}"
for run in rtol=1e-2,seed=1 rtol=1e-2,seed=2 rtol=1e-4,seed=1 rtol=1e-4,seed=2; do
    has "sweeps/small/$run/effective.ini" "[run]"
    has "sweeps/small/$run.log" "results in"
done
[ "$(grep -c '^1e-[24] .* finished ' out)" -eq 2 ] || fail "not two rows"
has out " ± "

# A seed is the seed of a run that stands by itself.
expect 0 "results in" train small.ini run.epochs=1 run.seed=2 model.ode.rtol=1e-4 \
    run.workers=1 run.out=alone
cmp alone/weights.safetensors sweeps/small/rtol=1e-4,seed=2/weights.safetensors ||
    fail "a run of a sweep is another run"

# Again: nothing is left to do, and the table is the same; more values add runs.
expect 0 "4 runs in sweeps/small: 4 finished, 0 to do" sweep small.ini "${grid[@]}"
expect 0 "6 runs in sweeps/small: 4 finished, 2 to do, 1 at a time" sweep small.ini \
    model.ode.rtol='1e-2|1e-4' run.seed=1..3 run.epochs=1 run.workers=1 --jobs 1

# Best first, as CSV and JSON with nothing else on standard output.
"$odeon" sweep small.ini "${grid[@]}" --csv >table.csv 2>err
[ "$(wc -l <table.csv)" -eq 3 ] || fail "not three lines of CSV"
has table.csv "model.ode.rtol,runs,test_loss,test_loss_deviation,accuracy,accuracy_deviation,"
awk -F, 'NR > 1 { if (NR > 2 && $5 > last) exit 1; last = $5 }' table.csv || fail "not best first"
"$odeon" sweep small.ini "${grid[@]}" --json >table.json 2>err
has table.json '{"model.ode.rtol": "1e-'
has table.json '"accuracy_deviation": '
if has_python json; then
    python3 -c 'import json; assert len(json.load(open("table.json"))) == 2' || fail "no JSON"
fi

# What is asked for is not what is there: a run is never overwritten.
expect 2 "holds a run of another configuration (train.lr: 0.01, now 0.5)" sweep small.ini "${grid[@]}" \
    train.lr=0.5
has out refused

# A component that there is not, and a step that fails: rows with reasons; the rest is finished.
expect 2 "2 of 4 runs are not finished; the first is optimizer=nonsense,seed=1" sweep small.ini \
    "train.optimizer=sgd(lr=1e-3)|nonsense" run.seed=1..2 run.epochs=1 --out mixed
has out "no optimizer is named 'nonsense'"
[ "$(grep -c '^sgd(lr=1e-3) ' out)" -eq 1 ] || fail "no row of what is finished"
expect 6 "the first is optimizer=sgd_lr=1e30_~" sweep small.ini run.epochs=2 --out failing \
    "train.optimizer=sgd(lr=1e-3)|sgd(lr=1e30)"
grep -q '^sgd(lr=1e30) .* failed .* step size underflow' out || fail "no reason of a failure"

# Drawn from the grid: a larger number has all of the smaller one's.
expect 0 "2 runs in drawn: 0 finished, 2 to do" sweep small.ini run.epochs=1 --out drawn \
    model.ode.rtol='1e-2|1e-3|1e-4' model.ode.atol='1e-2|1e-3' --random 2
expect 0 "4 runs in drawn: 2 finished, 2 to do" sweep small.ini run.epochs=1 --out drawn \
    model.ode.rtol='1e-2|1e-3|1e-4' model.ode.atol='1e-2|1e-3' --random 4

# Interrupted: every run saves and can go on, and the same command goes on.
long=(run.seed=1..3 run.epochs=100000 run.log_every=1 --out stopped --jobs 2)
"$odeon" sweep small.ini "${long[@]}" >out 2>err &
pid=$!
trains() { # RUN: it has made a step, so that there is something to save
    [ -e "stopped/$1/metrics.csv" ] && [ "$(wc -l <"stopped/$1/metrics.csv")" -ge 2 ]
}
until trains seed=1 && trains seed=2; do
    kill -0 $pid 2>/dev/null || fail "the sweep has ended"
    read -r -t 0.05 <> <(:) || true
done
kill -TERM $pid
answer=0
wait $pid || answer=$?
[ "$answer" -eq 143 ] || fail "a stopped sweep answers $answer"
has err "stopped by SIGTERM with 0 of 3 runs finished"
[ "$(grep -c ' stopped ' out)" -ge 2 ] || fail "runs that were stopped are not shown as such"
has out waiting
ls stopped/seed=1/checkpoints/ckpt-*.safetensors >/dev/null || fail "a stopped run has saved nothing"

# Mistakes.
expect 2 "run.seed: 3..1 goes down" sweep small.ini run.seed=3..1
expect 2 "run.seed is given twice" sweep small.ini run.seed=1 run.seed=2
expect 2 "a: b stands twice" sweep small.ini 'a=b|b'
expect 2 "must be KEY=VALUE" sweep small.ini nothing
expect 2 "run.out: each run of a sweep has a folder of its own" sweep small.ini 'run.out=a|b'
expect 2 "one of --grid and --random N" sweep small.ini run.seed=1..2 --grid --random 1
expect 2 "one of --csv and --json" sweep small.ini run.seed=1..2 --csv --json
expect 2 "--jobs 0: must be a whole number" sweep small.ini run.seed=1..2 --jobs 0
