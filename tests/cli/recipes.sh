#!/usr/bin/env bash
# Keys that change how parameters are updated: batches whose gradients add up, sections with another
# learning rate or none, a running mean of the weights.
. "$1/tests/support/cli.sh"
toy 96 32
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" run.dtype=float64 run.workers=1 run.epochs=3

# column N RUN SPLIT: the cells of a column.
column() {
    awk -F, -v n="$1" -v s="$3" '$4 == s { print $n }' "$2/metrics.csv"
}

# near RUN RUN: losses and gradients of all steps are those of each other.
near() {
    paste <(column 5 "$1" train) <(column 5 "$2" train) <(column 8 "$1" train) <(column 8 "$2" train) |
        awk 'function off(a, b) { d = a - b; return (d < 0 ? -d : d) > 1e-9 * (a < 0 ? -a : a) }
             off($1, $2) || off($3, $4) { print; bad = 1 } END { exit bad || NR == 0 }' ||
        fail "$1 and $2 differ"
}

# Three batches of 16, and what is left of them, are batches of 48; fixed steps, since step sizes would
# depend on the batch.
for run in "48 1" "16 3"; do
    read -r batch times <<<"$run"
    expect 0 "results in" train "$@" "model.ode.layer=ode(span=0 1, steps=4)" model.ode.integrator=euler \
        data.limit=90 data.batch="$batch" train.accumulate="$times" run.out="b$batch"
done
near b48 b16
[ "$(column 1 b16 train | tail -1)" = 6 ] || fail "not two updates an epoch"
expect 0 "results in" train b16 --resume run.epochs=5
expect 0 "results in" train "$@" "model.ode.layer=ode(span=0 1, steps=4)" model.ode.integrator=euler \
    data.limit=90 data.batch=16 train.accumulate=3 run.epochs=5 run.out=whole
cmp b16/weights.safetensors whole/weights.safetensors || fail "going on gives other weights"

# Half the rate everywhere is half the rate.
expect 0 "results in" train "$@" "train.optimizer=sgd(lr=0.05)" run.out=half
expect 0 "results in" train "$@" "train.optimizer=sgd(lr=0.1)" model.ode.lr_factor=0.5 \
    model.head.lr_factor=0.5 run.out=factors
cmp half/weights.safetensors factors/weights.safetensors || fail "other weights"
expect 0 "results in" train "$@" "train.optimizer=sgd(lr=0.1)" model.ode.lr_factor=2 \
    model.ode.field.lr_factor=0.25 model.head.lr_factor=0.5 run.out=nested
cmp half/weights.safetensors nested/weights.safetensors || fail "nested factors do not multiply"
has nested/effective.ini "lr_factor = 0.25"

# What is frozen stays; a rate of 0 keeps it, too, where nothing decays.
expect 0 "results in" train "$@" model.ode.freeze=yes run.out=frozen
has frozen/effective.ini "freeze = yes"
expect 0 "results in" train "$@" model.ode.lr_factor=0 run.out=still
cmp frozen/weights.safetensors still/weights.safetensors || fail "a frozen section has moved"
! cmp -s frozen/weights.safetensors half/weights.safetensors || fail "nothing is frozen"
expect 0 "results in" train frozen/effective.ini run.out=again
cmp frozen/weights.safetensors again/weights.safetensors || fail "the normal form trains otherwise"
expect 0 "results in" train "$@" run.workers=3 model.ode.freeze=yes run.out=three

# The mean of the weights: tests are of it, training is as without it, and a run that goes on has it.
expect 0 "results in" train "$@" train.ema=0.9 run.out=ema
expect 0 "results in" train "$@" run.out=plain
cmp ema/weights.safetensors plain/weights.safetensors || fail "the mean changes the training"
! cmp -s ema/weights.safetensors ema/weights-ema.safetensors || fail "the mean is of the last weights alone"
expect 0 "test loss $(printf %.4f "$(column 5 ema test | tail -1)")" eval ema \
    --weights ema/weights-ema.safetensors
expect 0 "results in" train "$@" train.ema=0.9 run.epochs=1 run.out=on
expect 0 "results in" train on --resume run.epochs=3
cmp ema/weights-ema.safetensors on/weights-ema.safetensors || fail "going on gives another mean"
cmp ema/weights-best.safetensors on/weights-best.safetensors || fail "going on gives other best weights"

# It begins with the run, also where the first step fails and is left out.
for seed in 1 2 3 4 5 6 7 8 none; do
    expect 0 "results in" --plugin-path "$build/test-plugins" train "$@" train.ema=0.9 run.epochs=1 data.limit=32 \
        "run.seed=$seed" run.on_failure=skip "model.pool.then=flatten, wander(every=2)" \
        run.out="skip$seed"
    ! grep -q "step 1 is skipped" err || break
done
cmp "skip$seed/weights.safetensors" "skip$seed/weights-ema.safetensors" ||
    fail "a mean that has not begun"

# An optimizer that takes a parameter at a time, on the worker that it falls to: with one rate for all
# it is sgd, up to rounding, and biases with a rate of 0 stay.
own=(--plugin-path "$build/test-plugins")
for workers in 1 3; do
    of=("$@" "run.workers=$workers" model.head.lr_factor=0.5 train.ema=0.9)
    expect 0 "results in" train "${of[@]}" "train.optimizer=sgd(lr=0.1)" run.out="sgd$workers"
    expect 0 "results in" train "${own[@]}" "${of[@]}" "train.optimizer=by_role(lr=0.1, bias_lr=0.1)" \
        run.out="roles$workers"
    near "sgd$workers" "roles$workers"
    [ "$(column 5 "sgd$workers" test | cut -c1-8)" = "$(column 5 "roles$workers" test | cut -c1-8)" ] ||
        fail "$workers workers: another mean of the weights"
done
expect 0 "results in" train "${own[@]}" "$@" "train.optimizer=by_role(lr=0.1, bias_lr=0)" run.out=resting
expect 0 "results in" train "$@" "train.optimizer=sgd(lr=0)" run.out=begun
! has_python json || python3 -c '
import json
def read(run):
    data = open(run + "/weights.safetensors", "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    return {name: data[start + x["data_offsets"][0]:start + x["data_offsets"][1]]
            for name, x in json.loads(data[8:start]).items() if name != "__metadata__"}
rested, begun = read("resting"), read("begun")
moved = {name for name in begun if rested[name] != begun[name]}
assert moved == {name for name in begun if not name.endswith("bias")} and len(moved) == 3, moved' ||
    fail "not the weights alone have moved"
plain=("$@" "train.optimizer=sgd(lr=0.1)")
expect 0 "results in" train "${plain[@]}" model.ode.freeze=yes run.out=headed
expect 0 "results in" train "${own[@]}" "$@" "train.optimizer=by_role(lr=0.1, bias_lr=0.1)" \
    model.ode.freeze=yes run.out=partly
near headed partly

# What cannot be meant.
sed 's/^\[train\]/[model.twin]\nshare = model.head\nKEY\n\n&/' "$ini/small.ini" >twin.ini
for key in "freeze = yes" "lr_factor = 2"; do
    sed "s/^KEY/$key/" twin.ini >key.ini
    expect 2 "'${key% = *}' cannot stand beside share" train key.ini "$data"
done
expect 2 "there is nothing to train" train "$@" model.ode.freeze=yes model.head.freeze=yes
expect 2 "lr_factor = -1: allowed: lr_factor >= 0" train "$@" model.head.lr_factor=-1
expect 2 "accumulate = 0: allowed: 1" train "$@" train.accumulate=0
expect 2 "ema = 1: allowed: 0 < ema < 1" train "$@" train.ema=1

# Phases: another optimizer from a step on, with moments and a schedule of its own. A run that goes on,
# before, at or behind the change, has the same bits.
cat "$ini/small.ini" - >phases.ini <<'INI'

[train.fine]
after     = 4 steps
optimizer = lbfgs(iterations=3)
INI
set -- phases.ini "$data" run.dtype=float64 run.workers=1 data.batch=96 train.ema=0.9
expect 0 "results in" train "$@" run.iterations=7 run.out=phases
has phases/effective.ini "[train.fine]"
is_falling() { awk -F, '$4 == "train" { if (NR > 6 && $5 >= last) exit 1; last = $5 }' "$1/metrics.csv"; }
is_falling phases || fail "the loss does not fall"
for first in 3 4 6; do
    expect 0 "results in" train "$@" run.iterations=$first run.out=on$first
    expect 0 "on from step $first" train on$first --resume run.iterations=7
    cmp phases/weights.safetensors on$first/weights.safetensors || fail "from step $first: other weights"
    cmp phases/weights-ema.safetensors on$first/weights-ema.safetensors || fail "from step $first: another mean"
done
expect 0 "[train.fine] has no effect: the run ends with step 3" check "$@" run.iterations=3 --data
expect 2 "optimizer lbfgs compares losses of all 96 training samples, but a step takes 32: set data.batch = 96" \
    train "$@" data.batch=32 run.out=none
[ ! -e none ] || fail "a run that cannot be has left a folder"
expect 0 "results in" train "$@" data.batch=32 train.accumulate=3 run.iterations=5 run.out=parts
expect 0 "results in" train "$@" data.batch=32 "train.fine.optimizer=lbfgs(stochastic=yes)" \
    run.iterations=5 run.out=stochastic

# With keys of its own: batches of 32, then all samples in one step.
{ cat phases.ini && echo "set = data.batch=96, model.ode.rtol=1e-5"; } >set.ini
set -- set.ini "$data" run.dtype=float64 run.workers=1 data.batch=32
expect 0 "on from step 4" train "$@" run.iterations=7 run.out=set
has set/effective.ini "batch = 32"
awk -F, '$4 == "train" && $1 > 4 { n++; if ($2 != $1 - 2) exit 1 } END { exit n != 3 }' set/metrics.csv ||
    fail "not one step an epoch after step 4"
for first in 3 4 6; do
    expect 0 "results in" train "$@" run.iterations=$first run.out=set$first
    expect 0 "results in" train set$first --resume run.iterations=7
    cmp set/weights.safetensors set$first/weights.safetensors || fail "from step $first: other weights"
done
cmp set/weights-best.safetensors set6/weights-best.safetensors || fail "other best weights"
expect 2 "[train.fine] set: parameter ode.field.weight has another shape" train "$@" run.out=none \
    "train.fine.set=model.ode.field.units=9"
expect 2 "set = run.seed=2: give keys of [data]" train "$@" train.fine.set=run.seed=2 run.out=none
expect 2 "set: keys change after a number of steps" train "$@" "train.fine.after=1 epoch" run.out=none
expect 2 "compares losses of all 96 training samples, but a step takes 48" train "$@" run.out=none \
    train.fine.set=data.batch=48
[ ! -e none ] || fail "a run that cannot be has left a folder"
set -- "$ini/small.ini" "$data" run.dtype=float64 run.workers=1 run.epochs=3

# Begun again, the mean of before is kept with the rest.
expect 0 "is kept in on/earlier-1" train on --from-start run.epochs=1
[ -e on/earlier-1/weights-ema.safetensors ] || fail "the mean is left where another run is"
