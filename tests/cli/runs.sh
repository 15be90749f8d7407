#!/usr/bin/env bash
# runs: a list of what there is; train --json: a line for the program that started it.
. "$1/tests/support/cli.sh"
toy
cp "$ini/small.ini" .

expect 5 "runs: No such file or directory" runs
expect 0 "results in runs/small/1" train small.ini run.epochs=1 --json
tail -n 1 out >line
has line '{"run": "runs/small/1", "name": "small", "state": "finished", "step": 8, "steps": 8, '
has line '"test_loss": '
has line '"accuracy": '
has line '"evals_forward": '
accuracy=$(sed 's/.*"accuracy": \([0-9.]*\).*/\1/' line)
[ "$(printf %.4f "$accuracy")" = "$(sed -n 's/^test accuracy //p' out)" ] ||
    fail "the line has another accuracy"

expect 0 "nothing is left to do" train runs/small/1 --resume --json
tail -n 1 out | cmp - line || fail "a finished run has another line"

# What ends otherwise ends with a line, too, and with its own exit code and error.
expect 2 "override run.epochs=x" train small.ini run.epochs=x --json
has out '{"run": null, "state": "failed", "error": "override run.epochs=x'
expect 6 "" train small.ini train.optimizer='sgd(lr=1e30)' run.epochs=2 --json
tail -n 1 out >line
has line '"run": "runs/small/2", "name": "small", "state": "failed"'
has line '"error": "'

expect 0 "differs" runs
[ "$(wc -l <out)" -eq 3 ] || fail "not two runs"
grep -q "^small .* finished .* runs/small/1 .*train.optimizer=adam " out ||
    fail "the first run is not listed as it is"
grep -q "^small .* failed .* runs/small/2 .*run.epochs=2" out || fail "no failed run"

# Runs in folders of folders; a folder of one run; CSV and JSON.
mkdir -p deep/er
cp -r runs/small/1 deep/er/copy
expect 0 "deep/er/copy" runs deep
expect 0 "deep/er/copy" runs deep/er/copy
"$odeon" runs --csv >list.csv
[ "$(head -n 1 list.csv | cut -d , -f 1-5)" = name,started,state,step,steps ] || fail "no CSV"
"$odeon" runs --json >list.json
has list.json '"state": "failed"'

# Damaged files are not known, and no failure; a name that would turn a terminal about is cleaned.
printf '\0\1\2' >deep/er/copy/metrics.csv
rm deep/er/copy/manifest.json
expect 0 "finished" runs deep
mkdir bad
echo '[run' >bad/effective.ini
"$odeon" runs . >out 2>err
has err "warning: left out: "
expect 2 "one of --csv and --json" runs --csv --json

# Other programs may drive it: what GNU parallel runs is what it would be alone.
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
    mkdir -p results
    parallel --will-cite -j 2 \
        "$odeon train small.ini run.epochs=1 run.seed={} run.out=parallel/{} --json | tail -n 1 >results/{}" \
        ::: 1 2 3
    [ "$(cat results/* | grep -c '"state": "finished"')" -eq 3 ] || fail "parallel has not run three"
    has results/3 'parallel/3"'
else
    echo "not covered: GNU parallel (not installed)"
fi
