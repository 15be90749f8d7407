#!/usr/bin/env bash
# train and eval on the toy data set: what they print and leave behind.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"

# It learns, says so at the end, and leaves the files of a run.
expect 0 "results in runs/small/1" train "$ini/small.ini" "$data" run.epochs=6 run.log_every=4
tail -n 1 out | grep -qx 'results in runs/small/1' || fail "the last line is not the results' place"
tail -n 2 out | head -n 1 | grep -qxE 'test accuracy (0\.[0-9]{4}|1\.0000)' || fail "no accuracy"
accuracy=$(sed -n 's/^test accuracy //p' out)
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.5) }' || fail "accuracy $accuracy of a set that is easy"
has out "ode.field"
has out "||y(t1) - y(t0)|| / ||y(t0)|| = "
has runs/small/1/effective.ini "atol"
has runs/small/1/manifest.json '"train"'
for file in metrics.csv metrics.jsonl weights.safetensors weights-best.safetensors; do
    [ -s "runs/small/1/$file" ] || fail "$file is missing or empty"
done

# Rows: first step, every fourth of 48, six tests. 48 is a multiple of 4, so 1 + 12 + 6.
rows=$(($(wc -l <runs/small/1/metrics.csv) - 1))
[ "$rows" -eq 19 ] || fail "$rows rows of metrics, expected 19"
[ "$(wc -l <runs/small/1/metrics.jsonl)" -eq 19 ] || fail "metrics.jsonl has another number of rows"

# eval reads the weights back: the same accuracy.
expect 0 "test accuracy $accuracy" eval "$ini/small.ini" "$data" \
    --weights runs/small/1/weights.safetensors

# The normal form repeats the run to the last bit; a second run gets a folder of its own.
expect 0 "results in runs/small/2" train runs/small/1/effective.ini
cmp runs/small/1/weights.safetensors runs/small/2/weights.safetensors || fail "another run's bits"

# run.out, and never over what is there.
expect 0 "results in" train "$ini/small.ini" "$data" run.iterations=3 run.out=here run.log_every=5
[ "$(grep -c ',train,' here/metrics.csv)" -eq 2 ] || fail "iterations: not the first and last row"
expect 2 "here" train "$ini/small.ini" "$data" run.out=here

# A last batch that is smaller: 256 = 2 * 100 + 56.
expect 0 "test accuracy" train "$ini/small.ini" "$data" data.batch=100 run.out=tail run.log_every=1
[ "$(grep -c ',train,' tail/metrics.csv)" -eq 3 ] || fail "256 images in batches of 100: not 3 steps"

# What cannot begin leaves no folder.
expect 3 "Debian's package dataset-fashion-mnist" train "$ini/small.ini" data.path=absent
[ ! -e runs/small/3 ] || fail "a run that never began left a folder"
