#!/usr/bin/env bash
# What sees a run: the two files of every run, others in their place or beside them, which rows are
# theirs after a run that goes on, and that nothing which they do ends a run.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=100 run.epochs=3 --plugin-path "$build/test-plugins" \
    run.checkpoint_seconds=0

# Not given, the normal form does not know of them; given, it does.
expect 0 "results in" train "$@" run.out=plain
! grep -q observers plain/effective.ini || fail "the normal form names observers that nobody gave"
expect 0 "results in" train "$@" "run.observers=count, csv" run.out=both
grep -qx "observers = count(fail_at=0), csv" both/effective.ini || fail "not in the normal form"
[ -e both/metrics.csv ] && [ ! -e both/metrics.jsonl ] || fail "other files than those of the observers"
expect 0 "results in" train "$@" run.observers=jsonl run.out=lines
[ ! -e lines/metrics.csv ] || fail "metrics.csv without its observer"
expect 0 "results in" train "$@" run.observers=none run.out=none
[ -z "$(ls none | grep metrics)" ] || fail "rows without an observer"
cmp plain/weights.safetensors none/weights.safetensors || fail "an observer has changed the weights"

# All events of a run: nine steps, three tests, each with its row.
expect 0 "results in" train "$@" run.observers=count run.out=counted
has err "count: 1 begin, 9 batches, 12 rows, 3 epochs, 3 evaluations, checkpoints, step 9 of 9, status 0"
[ "$(head -1 counted/metrics.count)" = "step loss" ] || fail "no heading"
[ "$(wc -l <counted/metrics.count)" -eq 13 ] || fail "not a line for each row"
expect 0 "results in" train "$@" run.observers=count run.log_every=2 run.out=seldom
has err "9 batches, 9 rows"
cmp <(cut -d ' ' -f 2 counted/metrics.count) <(cut -d , -f 5 plain/metrics.csv) ||
    fail "other losses than in metrics.csv"

# A run that goes on ends with the same lines, and a file that somebody changed is left alone.
cp -r counted cut
rm cut/checkpoints/ckpt-9.safetensors # as if it had been killed
expect 0 "on from step 6" train cut --resume --plugin-path "$build/test-plugins"
cmp counted/metrics.count cut/metrics.count || fail "other lines after a run that went on"
cmp counted/weights.safetensors cut/weights.safetensors || fail "other bits"
rm cut/checkpoints/ckpt-9.safetensors
sed -i 's/^step/Step/' cut/metrics.count
expect 3 "metrics.count: does not begin with the columns of this run" train cut --resume \
    --plugin-path "$build/test-plugins"
# Another observer may come in between; what it has not seen is not in its file.
cp -r counted more
rm more/checkpoints/ckpt-9.safetensors
expect 0 "on from step 6" train more --resume "run.observers=count, csv" --plugin-path "$build/test-plugins"
[ "$(wc -l <more/metrics.csv)" -eq 5 ] || fail "not the four rows since it came"
expect 0 "is kept in more/earlier-1" train more --from-start --plugin-path "$build/test-plugins"
cmp more/earlier-1/metrics.count counted/metrics.count || fail "its file was not set aside"

# A failure is a warning, once, and not the run's.
expect 0 "results in" train "$@" "run.observers=count(fail_at=3), csv" run.out=failing
has err "warning: count: row 3 is one too many; the run goes on without observer count"
[ "$(grep -c "one too many" err)" -eq 1 ] || fail "reported more than once"
[ "$(wc -l <failing/metrics.count)" -eq 3 ] || fail "not the lines of before the failure"
[ "$(wc -l <failing/metrics.csv)" -eq 13 ] || fail "another observer has lost rows"

# Observers that cannot be used are reported before there is a run.
expect 2 "no observer is named 'nobody'" train "$@" run.observers=nobody run.out=no
expect 2 "observers: csv is in it twice" train "$@" "run.observers=csv, csv" run.out=no
hostile="--plugin-path $build/hostile-plugins"
# shellcheck disable=SC2086
expect 4 "flag bits that this host does not know: 0x1" train "$@" $hostile run.observers=threaded run.out=no
# shellcheck disable=SC2086
expect 4 "it has events that this host does not know: 0x10000000000" train "$@" $hostile \
    run.observers=curious run.out=no
# shellcheck disable=SC2086
expect 4 "'../metrics.csv' is no name of a file of rows" train "$@" $hostile run.observers=elsewhere run.out=no
[ ! -e no ] || fail "a run that cannot be has left a folder"

expect 0 "counts the events of a run" inspect observer count --plugin-path "$build/test-plugins"
expect 0 "observer   csv" plugins
