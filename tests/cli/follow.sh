#!/usr/bin/env bash
# Keys that follow a schedule: their values step by step, in phases, of a run that was killed and of a
# step that failed; tests have the key's own value; which keys cannot.
. "$1/tests/support/cli.sh"

cat >follow.ini <<'END'
[run]
dtype = float64
iterations = 24
workers = 2
eval_every = 8 steps
[data]
dataset = moons(points=64)
batch = 16
[model.in]
layer = dense(units=8)
then = tanh
[model.drop]
layer = dropout(p=0.4)
[model.ode]
layer = ode(span=0 1)
integrator = rk4
steps = 2
gradient = direct
[model.ode.field]
layer = dense(units=state)
then = tanh
[model.ode.energy]
layer = kinetic
[model.head]
layer = dense(units=classes)
[train]
loss = cross_entropy, penalty(of=ode.kinetic, weight=0.5)
optimizer = adamw(lr=0.01, weight_decay=0.1)
END
follow="loss.penalty.weight: linear(from=0, steps=8)"

# value NAME STEP RUN: a cell of a step's row.
value() {
    awk -F, -v name="$1" -v step="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        $1 == step && $at["split"] == "train" { print $at[name] }' "$3/metrics.csv"
}

# is NAME STEP RUN VALUE
is() {
    [ "$(value "$1" "$2" "$3")" = "$4" ] || fail "$3, step $2: $1 is '$(value "$1" "$2" "$3")', not '$4'"
}

expect 0 "results in" train follow.ini "train.set=$follow, model.drop.p: linear(from=1, to=0)" \
    run.log_every=1 run.out=whole
has whole/effective.ini "set = loss.penalty.weight: linear(from=0, to=1, steps=8, delay=0), model.drop.p: "
is loss.penalty.weight 1 whole 0
is loss.penalty.weight 5 whole 0.25
is loss.penalty.weight 9 whole 0.5
is loss.penalty.weight 24 whole 0.5
is model.drop.p 13 whole 0.2
is loss_penalty 1 whole 0 # the loss of the step is that of the value
[ -z "$(awk -F, -v s=test '$4 == s { print $NF }' whole/metrics.csv | tr -d '\n')" ] ||
    fail "tests have a value of a schedule"

# It is the value that counts: from the step on from which it is the key's own the gradient is that of
# the key without a schedule, and where the factor is 1 all along so are the weights.
expect 0 "results in" train follow.ini run.out=plain
expect 0 "results in" train follow.ini "train.set=loss.penalty.weight: constant" run.out=same
cmp plain/weights.safetensors same/weights.safetensors || fail "a factor of 1 changes the weights"
! cmp -s plain/weights.safetensors whole/weights.safetensors || fail "the schedule changes nothing"
expect 0 "results in" train follow.ini "train.set=loss.penalty.weight: linear(from=0.5, to=0.5)" \
    run.out=half
expect 0 "results in" train follow.ini \
    "train.loss=cross_entropy, penalty(of=ode.kinetic, weight=0.25)" run.out=quarter
cmp half/weights.safetensors quarter/weights.safetensors || fail "half of 0.5 is not 0.25"

# A test is of the key's own value, so eval repeats the last one.
awk -F, '$4 == "test" { x = $5 } END { printf "%.4g\n", x }' whole/metrics.csv >last
expect 0 "loss" eval whole run.workers=2
has out "$(cat last)"

# The normal form repeats the run, and a run that goes on has the same bits; one that was killed, too.
expect 0 "results in" train whole/effective.ini run.out=again
cmp whole/weights.safetensors again/weights.safetensors || fail "the normal form trains otherwise"
set -- follow.ini "train.set=$follow, model.drop.p: linear(from=1, to=0, epochs=6)" run.log_every=1
expect 0 "results in" train "$@" run.out=parts run.iterations=5
expect 0 "results in" train parts --resume run.iterations=24
cmp whole/weights.safetensors parts/weights.safetensors || fail "a run that went on has other weights"
"$odeon" train "$@" run.out=killed run.checkpoint_every=3 run.iterations=24 >/dev/null 2>&1 &
pid=$!
while ! ls killed/checkpoints/ckpt-6.* >/dev/null 2>&1 && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
expect 0 "" train killed --resume
cmp whole/weights.safetensors killed/weights.safetensors || fail "a run that was killed has other weights"

# A phase has schedules of its own, which begin with it; without one a key has its own value.
cat >phases.ini <<'END'
include = follow.ini
[train]
set = loss.penalty.weight: linear(from=0, steps=4)
[train.late]
after = 12 steps
optimizer = adamw(lr=0.001, weight_decay=0.2)
set = optimizer.weight_decay: linear(from=1, to=0), data.batch=32
END
expect 0 "ok" check phases.ini
expect 0 "results in" train phases.ini run.log_every=1 run.out=phases
is loss.penalty.weight 3 phases 0.25
is loss.penalty.weight 13 phases 0.5
is optimizer.weight_decay 13 phases 0.2
is optimizer.weight_decay 19 phases 0.1
expect 0 "results in" train phases.ini "train.late.set=data.batch=32" run.out=still
! cmp -s phases/weights.safetensors still/weights.safetensors || fail "the decay does not follow"

# Tolerances follow by their factor: four times as large they are those of an INI that has these, to the
# bit, whatever solves and whatever differentiates; the way back of adjoint keeps its own.
cat >loose.ini <<'END'
[run]
iterations = 8
dtype = float64
workers = 1
log_every = 1
[data]
dataset = trajectories(source=spiral, points=200, until=5, window=10)
batch = 16
[model.ode]
layer = ode(times=batch, initial=first)
integrator = dopri5
rtol = 1e-5
atol = 1e-6
[model.ode.in]
layer = dense(units=8)
then = tanh, dense(units=state)
[train]
loss = mse
optimizer = adam(lr=1e-2)
END
n=0
for keys in "" model.ode.gradient=checkpoint "model.ode.gradient=adjoint(rtol=1e-7)" \
    "model.ode.gradient=adjoint(y=dense) model.ode.rtol=1e-5" model.ode.step=sample \
    model.ode.integrator=kvaerno3 run.workers=2 "model.ode.rtol=1e-5 2e-5"; do
    case $keys in *"=1e-5 2e-5") set -- "$keys" four="4e-5 8e-5" ;; "model.ode.gradient=adjoint(y"*) set -- "${keys% *}" four=4e-5 ;;
        "") set -- four=4e-5 ;; *) set -- "$keys" four=4e-5 ;; esac
    four=${!#}
    set -- "${@:1:$#-1}"
    n=$((n + 1))
    expect 0 "results in" train loose.ini "$@" run.out=tight$n
    expect 0 "results in" train loose.ini "$@" run.out=four$n "train.set=model.ode.tolerance_factor: linear(from=4, to=4)"
    expect 0 "results in" train loose.ini "$@" run.out=given$n "model.ode.rtol=${four#four=}" model.ode.atol=4e-6
    cmp four$n/weights.safetensors given$n/weights.safetensors || fail "$keys: four times the tolerances are others"
    ! cmp -s four$n/weights.safetensors tight$n/weights.safetensors || fail "$keys: the factor changes nothing"
done
is model.ode.tolerance_factor 1 four1 4
set -- model.ode.rtol=1e-9 model.ode.atol=1e-9
falls="train.set=model.ode.tolerance_factor: linear(from=1000, to=1, steps=6)"
expect 0 "results in" train loose.ini "$@" "$falls" run.out=falls
[ "$(value ode.accepted 1 falls)" -lt "$(value ode.accepted 8 falls)" ] || fail "tighter tolerances take no more steps"
expect 0 "results in" train loose.ini "$@" "$falls" run.out=halves run.iterations=3
expect 0 "results in" train halves --resume run.iterations=8
cmp falls/weights.safetensors halves/weights.safetensors || fail "tolerances of a run that went on are others"
expect 2 "the schedule makes 0 of its value 1; allowed: tolerance_factor > 0" train loose.ini run.out=zero \
    "train.set=model.ode.tolerance_factor: linear(from=0)"

# A step that failed is repeated with the value that it had: with its own it would not fail.
expect 6 "to repeat it" train follow.ini run.out=failed \
    "train.set=loss.penalty.weight: linear(from=0, to=1e300, steps=8)" \
    "train.loss=cross_entropy, penalty(of=ode.kinetic, weight=1e10)"
expect 6 "" replay failed/failure
expect 0 "no failure" replay failed/failure "train.set=model.drop.p: constant, model.head.x: constant"

# What cannot follow one.
no() {
    expect 2 "$1" check follow.ini "train.set=$2"
}
no "train.set=loss.penalty.wight: linear: set: loss.penalty.wight: penalty has no option 'wight'" \
    "loss.penalty.wight: linear"
no "train.loss has no loss of that id" "loss.mse.weight: linear"
no "data.batch: SCHEDULE: keys that follow a schedule are loss.ID.KEY" "data.batch: linear"
no "of ode tolerance_factor may follow a schedule; others need the model built anew" "model.ode.rtol: linear"
no "of adamw weight_decay may follow a schedule" "optimizer.lr: linear"
no "the model has no layer of that path" "model.dorp.p: linear"
no "model.p: give the path of a layer" "model.p: linear"
no "no schedule is named 'linar': did you mean 'linear'?" "loss.penalty.weight: linar"
no "a value stands in its own section" "loss.penalty.weight=3"
no "loss.penalty.weight has two schedules" "loss.penalty.weight: linear, loss.penalty.weight: cosine"
expect 2 "its own value is 0 or not given" check follow.ini model.drop.p=0 "train.set=model.drop.p: linear"
expect 2 "the schedule makes 1.2 of its value 0.4; allowed: 0 <= p < 1" train follow.ini run.out=none \
    "train.set=model.drop.p: linear(from=3)"
