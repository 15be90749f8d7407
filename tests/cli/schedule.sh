#!/usr/bin/env bash
# How long a run is and how its learning rate goes: epochs, iterations, drop_last, schedules.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=100 # 256 = 2 * 100 + 56: three steps an epoch

# column NAME RUN: a column of the rows of training, in a line.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        $at["split"] == "train" { printf "%s%s", space, $at[name]; space = " " }' "$2/metrics.csv"
}

# is NAME RUN TEXT: the column is TEXT.
is() {
    [ "$(column "$1" "$2")" = "$3" ] || fail "$2: $1 is '$(column "$1" "$2")', expected '$3'"
}

# As many epochs as the iterations take, the last one in part, and a test after each.
expect 0 "epoch 3/3, step 8/8, test: " train "$@" run.iterations=8 run.out=steps
is epoch steps "1 1 1 2 2 2 3 3"
[ "$(grep -c ',test,' steps/metrics.csv)" -eq 3 ] || fail "iterations: not a test after every epoch"
expect 2 "epochs is given too" train "$@" run.iterations=8 run.epochs=2 run.out=none

# Without what is left of an epoch.
expect 0 "results in" train "$@" run.iterations=5 data.drop_last=yes run.out=dropped
is epoch dropped "1 1 2 2 3"
expect 0 "results in" train "$@" run.epochs=2 data.drop_last=yes run.out=whole
is epoch whole "1 1 2 2"
expect 3 "256 samples in use, less than a batch of 300" train "$@" data.batch=300 \
    data.drop_last=yes run.out=none
[ ! -e none ] || fail "a run that cannot be has left a folder"

# The learning rate of every step.
set -- "$@" run.epochs=4 "train.optimizer=sgd(lr=0.5)"
expect 0 "results in" train "$@" "train.schedule=steps(at=1 2 3, factor=0.5)" run.out=halved
is lr halved "0.5 0.5 0.5 0.25 0.25 0.25 0.125 0.125 0.125 0.0625 0.0625 0.0625"
expect 0 "results in" train "$@" "train.schedule=constant(warmup=1.25)" run.out=warm
is lr warm "0.13333333333333333 0.26666666666666666 0.4 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5"

# A factor that is none ends the run, and the steps before it are saved.
expect 4 "train.schedule: wild says that step 5 has the learning rate times nan" train "$@" \
    --plugin-path "$build/test-plugins" "train.schedule=wild(from=5)" run.out=wild
[ "$(grep -c ',train,' wild/metrics.csv)" -eq 4 ] || fail "not four steps"
[ -e wild/checkpoints/ckpt-4.safetensors ] || fail "the four steps are lost"
[ -e wild/weights.safetensors ] || fail "their weights are lost"
for kind in infinite negative; do
    expect 4 "step 1 has the learning rate times " train "$@" --plugin-path "$build/test-plugins" \
        "train.schedule=wild(kind=$kind)" run.out="$kind"
done

# A run that goes on has the same factors, and so the same bits.
set -- "$@" "train.schedule=cosine(final=0.1, warmup=0.5)"
expect 0 "results in" train "$@" run.out=cosine
expect 0 "results in" train "$@" run.out=cut run.checkpoint_every=5
rm cut/checkpoints/ckpt-12.safetensors # as if it had been killed
expect 0 "on from step 10" train cut --resume
expect 0 "equal but for times" diff cosine cut
cmp cosine/weights.safetensors cut/weights.safetensors || fail "other bits"

# Made longer it has others from there on, which is said; a schedule that does not ask for the end
# has not.
expect 0 "the learning rate jumps from " train cut --resume run.epochs=5
has out "in step 12 to "
has out "in step 13: the schedule is that of 15 steps, it was that of 12"
is lr cut "$(column lr cosine) $(column lr cut | cut -d ' ' -f 13-)"
expect 0 "on from step 12" train halved --resume run.epochs=5
! grep -q jumps out || fail "a learning rate that does not jump is said to"
