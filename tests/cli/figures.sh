#!/usr/bin/env bash
# The figures that a component declares stand among the metrics, the same however many workers there
# are; one that works for long sees that the user wants to stop; and it can have another component
# and a device of its own.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=100 run.epochs=2 --plugin-path "$build/test-plugins"

# column NAME RUN: a column of all rows, in a line.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { printf "%s%s", space, $at[name]; space = " " }' "$2/metrics.csv"
}

# is NAME RUN TEXT: the column is TEXT.
is() {
    [ "$(column "$1" "$2")" = "$3" ] || fail "$2: $1 is '$(column "$1" "$2")', expected '$3'"
}

# 256 samples are batches of 100, 100 and 56; the 64 of the test are one.
expect 0 "results in" train "$@" "model.head.then=within" run.workers=1 run.out=one
has out "head.within: forwards 1"
has out "head.within: mean_samples 64"
is head.within.forwards one "1 1 1 1 1 1 1 1"
is head.within.mean_samples one "100 100 56 64 100 100 56 64"
grep -q '"head.within.least_samples":100' one/metrics.jsonl || fail "not in metrics.jsonl"
expect 0 "results in" train "$@" "model.head.then=within" run.workers=2 run.out=two
is head.within.forwards two "2 2 2 2 2 2 2 2"
is head.within.most_samples two "50 50 28 32 50 50 28 32"
expect 0 "results in" train "$@" "model.head.then=within" run.workers=1 data.test_batch=25 run.out=parts
is head.within.forwards parts "1 1 1 3 1 1 1 3"
is head.within.least_samples parts "100 100 56 14 100 100 56 14"

# The layer within is as good as alone. Behind a dropout of nothing tanh is no part of the dense layer's call,
# whose gradients would be rounded otherwise.
expect 0 "results in" train "$@" "model.head.then=dropout(p=0), tanh" run.workers=1 run.out=alone
cmp one/weights.safetensors alone/weights.safetensors || fail "other weights"

# A run that goes on has the columns still.
cp -r one cut
expect 0 "on from step 6" train cut --resume run.epochs=3 --plugin-path "$build/test-plugins"
is head.within.forwards cut "1 1 1 1 1 1 1 1 1 1 1 1"

# Another device, and what is none.
expect 0 "results in" train "$@" "model.head.then=within(device=reference)" run.out=device
expect 2 "no device is named 'nothing'" train "$@" "model.head.then=within(device=nothing)" run.out=no
expect 2 "within: dense has parameters" train "$@" "model.head.then=within(layer=dense(units=10))" run.out=no
expect 2 "formula" train "$@" "model.head.then=within(layer=formula)" run.out=no
[ ! -e no ] || fail "a run that cannot be has left a folder"

# A solve has figures, too.
expect 0 "ode.field.within: most_samples 64" solve "$@" --split test --out states.csv run.workers=1 \
    "model.ode.field.then=within, dense(units=state)"

# One that waits for the user ends with the batch, long before the host would leave it.
"$odeon" train "$@" "model.head.then=within(wait=yes)" run.out=waits >out 2>err </dev/null &
child=$!
for _ in $(seq 600); do
    [ ! -e waits/manifest.json ] || break
    sleep 0.1
done
sleep 0.5
kill -s INT "$child"
answer=0
begun=$SECONDS
wait "$child" || answer=$?
[ "$answer" -eq 130 ] || fail "exit code $answer, expected 130"
[ $((SECONDS - begun)) -le 3 ] || fail "took $((SECONDS - begun)) seconds to end"
has err "odeon: stopped by SIGINT after step 0"
