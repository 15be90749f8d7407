#!/usr/bin/env bash
# How often a run tests, saves and says something: by epochs, steps or seconds, with the same weights
# whatever is chosen, and with the same weights after it was cut short.
. "$1/tests/support/cli.sh"
toy 96 32
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=96 run.workers=1 # a step is an epoch

# tested RUN: the steps of its tests.
tested() {
    awk -F, '$4 == "test" { printf "%s%s", space, $1; space = " " }' "$1/metrics.csv"
}

# tests RUN STEPS
tests() {
    [ "$(tested "$1")" = "$2" ] || fail "$1: tests at steps $(tested "$1"), expected $2"
}

# checkpoints RUN STEPS
checkpoints() {
    local found
    found=$(ls "$1/checkpoints" | sed 's/ckpt-//; s/\.safetensors//' | sort -n | paste -sd' ')
    [ "$found" = "$2" ] || fail "$1: checkpoints $found, expected $2"
}

# A run of many small epochs writes a checkpoint and its lines at the end, not at each of them.
expect 0 "results in" train "$@" run.epochs=100 run.out=whole
checkpoints whole 100
[ "$(grep -c '^epoch ' out)" -le $((2 * (2 + SECONDS))) ] || fail "$(grep -c '^epoch ' out) lines"
has out "epoch 100/100, step 100/100, test: loss "
tests whole "$(seq -s' ' 100)"

# Weights of the best test lie in memory meanwhile, and are those of a run that saves at once.
expect 0 "results in" train "$@" run.epochs=100 run.checkpoint_seconds=0 run.out=often
checkpoints often "99 100"
cmp whole/weights.safetensors often/weights.safetensors || fail "other weights"
cmp whole/weights-best.safetensors often/weights-best.safetensors || fail "other best weights"
expect 0 "equal but for times" diff whole often

# By epochs and by steps, and always at the end.
expect 0 "results in" train "$@" run.epochs=7 "run.eval_every=3 epochs" run.out=epochs
tests epochs "3 6 7"
has epochs/effective.ini "eval_every = 3 epochs"
expect 0 "results in" train "$@" data.batch=32 run.epochs=4 "run.eval_every=5 steps" run.out=steps
tests steps "5 10 12"
expect 0 "results in" train steps/effective.ini run.out=again
expect 0 "equal but for times" diff steps again
expect 0 "results in" train "$@" run.epochs=7 "run.eval_every=1 epoch" run.out=each
cmp epochs/weights.safetensors each/weights.safetensors || fail "tests change the weights"

# By the clock: no number of tests can be told, but there is one at the end, and at others after it.
expect 0 "results in" train "$@" run.epochs=100 "run.eval_every=0.02 seconds" run.out=seconds
cmp whole/weights.safetensors seconds/weights.safetensors || fail "tests change the weights"
[ "$(tested seconds | awk '{ print $NF }')" = 100 ] || fail "no test at the end"
[ "$(tested seconds | wc -w)" -ge 2 ] || fail "no test before the end"
head -c 300 seconds/weights-best.safetensors | grep -q '"step":"[0-9]*"' || fail "of which step?"
expect 0 "results in" train "$@" run.epochs=50 "run.eval_every=1e6 seconds" run.out=seldom
tests seldom 50

# What was tested and found best before a run was cut short is tested again: here step 20, of which
# the checkpoint is gone, while at step 12 there is one.
expect 0 "results in" train "$@" run.iterations=20 run.checkpoint_every=12 \
    "run.eval_every=1e6 seconds" run.out=cut
rm cut/checkpoints/ckpt-20.safetensors
sed -i 's/^iterations = .*/epochs = 100/' cut/effective.ini
expect 0 "on from step 12" train cut --resume
tests cut "20 100"
cmp whole/weights.safetensors cut/weights.safetensors || fail "other weights"

# Interrupted anywhere, in steps that are tested and in others.
for steps in 11 15; do
    expect 0 "results in" train "$@" run.iterations=$steps "run.eval_every=5 steps" \
        run.checkpoint_every=4 run.out="from-$steps"
    rm "from-$steps/checkpoints/ckpt-$steps.safetensors"
    sed -i 's/^iterations = .*/epochs = 100/' "from-$steps/effective.ini"
    expect 0 "on from step" train "from-$steps" --resume
    tests "from-$steps" "$(seq -s' ' 5 5 100)"
    cmp whole/weights.safetensors "from-$steps/weights.safetensors" || fail "other weights"
done
cmp from-11/weights-best.safetensors from-15/weights-best.safetensors || fail "other best weights"

# What cannot be meant.
for value in 10 "0 epochs" "1.5 epochs" "-3 steps" "0 seconds" "inf seconds" "two epochs" "3 hours" \
    "3 epochs now" "epochs"; do
    expect 2 "eval_every = $value: give a number of epochs, steps or seconds" check "$@" \
        "run.eval_every=$value"
done
expect 2 "run.eval_every: 1 epoch, now 2 epochs; leave out what changes it" \
    train whole --resume "run.eval_every=2 epochs"
expect 0 "nothing is left to do" train whole --resume run.checkpoint_seconds=5

# A metric that says what the loss says is not shown beside it.
regression=("$ini/regression.ini" --plugin-path "$build/test-plugins" run.epochs=2)
expect 0 "test mae " train "${regression[@]}" train.loss=l1 run.out=l1
! grep -q '^epoch .*mae' out || fail "the mean error is shown beside l1: $(grep -m 1 mae out)"
expect 0 "test mae " train "${regression[@]}" train.loss=mse run.out=mse
grep -q '^epoch .*, mae ' out || fail "no mean error beside mse"

# Samples a second are of training alone: here training is a small part of the time.
expect 0 "results in" train "$@" run.epochs=50 run.checkpoint_seconds=0 run.out=rate
head -n 1 rate/metrics.csv | grep -q ',samples_per_second,' || fail "no such column"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["split"] == "train" { trained += 96 / $at["samples_per_second"]; last = $at["seconds"] }
    END { exit !(trained < last) }' rate/metrics.csv || fail "more seconds of training than there were"
