#!/usr/bin/env bash
# What works but may not be meant is said, in one line each, by every command that would do it: by
# check on stdout, by the others as a warning. What is meant is not talked about.
. "$1/tests/support/cli.sh"

# says TEXT ARGUMENTS...: the command works and warns so, once. quiet ARGUMENTS...: of nothing.
says() {
    local text=$1
    shift
    expect 0 "" "$@"
    [ "$(grep -cF -- "$text" err)" -eq 1 ] || fail "odeon $*: not one '$text' on stderr"
}
quiet() {
    expect 0 "" "$@"
    ! grep -q '^odeon: warning' err || fail "odeon $*: a warning"
}

# ---- windows of a series ----
awk 'BEGIN { print "t,a"; for (i = 0; i < 30; i++) printf "%g,%.6f\n", 5 + i / 10, cos(i / 10) }' >series.csv
cat >windows.ini <<'END'
[run]
iterations = 1
[data]
dataset = trajectories(source=csv(path=series.csv), values=a, window=10)
batch   = 4
[model.ode]
layer      = ode(times=batch, initial=first)
integrator = rk4
steps      = 1
gradient   = direct
[model.ode.f]
layer = formula(equations=a' = c*a + 0*t, constants=c=-1, learn=c)
[train]
loss      = mse
optimizer = sgd(lr=1e-2)
END
text="ode.f: layer formula reads t, and windows start at t = 0: data set trajectories counts"
expect 0 "$text" check windows.ini
has out "copy the clock into a state column (c' = 1)"
has out "but see the notes above"
says "$text" train windows.ini run.out="$work/w"
says "$text" eval windows.ini --weights w/weights.safetensors
says "$text" predict windows.ini --weights w/weights.safetensors --split test --out p.csv
says "$text" solve windows.ini --split test --out s.csv
{
    sed '/^\[model.ode.f\]/,/^layer/d; /^\[train/,$d' windows.ini
    printf '[model.ode.f]\nlayer = residual\n[model.ode.f.inner]\nlayer = dense(units=state, time=last)\n'
    sed -n '/^\[train/,$p' windows.ini
} >nested.ini
says "ode.f.inner: layer dense reads t" train nested.ini run.out="$work/w2"
no_t="model.ode.f.layer=formula(equations=a' = c*a, constants=c=-1, learn=c)"
quiet train windows.ini run.out="$work/w3" "$no_t"
quiet train windows.ini run.out="$work/w4" data.window=30 data.batch=1
quiet solve windows.ini --split test --out s.csv "$no_t"
expect 0 ": ok" check windows.ini "$no_t"
! grep -q "see the notes" out || fail "a note on a field without t"
sed 's/times=batch/times=linspace(0 0.9 10)/' windows.ini >span.ini
expect 0 ": ok" check span.ini
! grep -q "reads t" out || fail "a note on a block with times of its own"
expect 0 ": ok" check "$source/conf/forced_pendulum.ini"
! grep -q "see the notes" out || fail "a note on controls, which have the clock of their window"
quiet solve "$source/conf/bouncing_ball.ini" --split train --out s.csv

# ---- keys without effect ----
cat >fixed.ini <<'END'
[let]
w = 3
v = 2
[run]
iterations = 1
[data]
dataset = spheres(n_inner=8, n_outer=8, label=class)
batch = 4
[model.ode]
layer = ode(span=0 1)
integrator = tsit5
steps = 2
rtol = 1e-7
gradient = direct
[model.ode.f]
layer = dense(units=state)
[model.extra]
layer = dense(units=${w})
enabled = no
[model.head]
layer = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=1e-3)
END
text="fixed.ini:13: model.ode.rtol has no effect: steps says which steps to take"
says "$text" train fixed.ini run.out="$work/f"
says "$text" eval fixed.ini --weights f/weights.safetensors
says "$text" predict fixed.ini --weights f/weights.safetensors --split test --out p.csv
says "$text" solve fixed.ini --split test --out s.csv
# An override is named even where it says what would hold without it, and wherever it has no effect.
says "override model.ode.max_steps=9: model.ode.max_steps has no effect" train fixed.ini \
    run.out="$work/f1" model.ode.max_steps=9
sed '/^rtol/d' fixed.ini >plain.ini
quiet train plain.ini run.out="$work/f2"
says "override model.ode.rtol=1e-3: model.ode.rtol has no effect" solve plain.ini --split test \
    --out s.csv model.ode.rtol=1e-3
says "override model.extra.units=7: model.extra.units has no effect: its section is left out" \
    train plain.ini run.out="$work/f3" model.extra.units=7
quiet train plain.ini run.out="$work/f4" model.extra.enabled=yes model.extra.units=7
says "override let.v=5: let.v has no effect: no value has \${v} in it" eval plain.ini let.v=5 \
    --weights f/weights.safetensors
quiet train plain.ini run.out="$work/f5" let.w=5
says "model.ode.rtol has no effect: it belongs to ode, which is replaced" train fixed.ini \
    run.out="$work/f6" model.ode.layer=identity
seq 0 7 >order.txt
says "override data.shuffle=yes: data.shuffle has no effect: data.order" train plain.ini \
    run.out="$work/f7" data.order=order.txt data.shuffle=yes
# The normal form has every default written out: of those that rest nothing is said.
quiet train f2/effective.ini run.out="$work/f8"
quiet train f2 --resume run.iterations=2

# ---- schedules ----
expect 0 "train.schedule = cosine: warmup: its 5 epochs are more than the run has, 2" check plain.ini \
    run.epochs=2 'train.schedule=cosine(warmup=5)'
says "warmup: its 5 epochs are more than the run has, 0.25" train plain.ini run.out="$work/s" \
    'train.schedule=cosine(warmup=5)'
says "train.schedule = steps: at: the run of 1 epochs ends before the first change, after 30" \
    train plain.ini run.out="$work/s1" run.epochs=1 'train.schedule=steps(at=30 60)'
quiet train plain.ini run.out="$work/s2" run.epochs=2 'train.schedule=constant(warmup=1)'
quiet train plain.ini run.out="$work/s3" run.epochs=2 'train.schedule=steps(at=1)'

# ---- controls that end before the solve ----
cp "$source"/conf/forced_pendulum.* .
solve=(solve forced_pendulum.ini --split test --out s.csv)
says "the control that layer ode.torque reads is known from t = 0 to 2 of sample 0, but the solve goes from 0 to 3" \
    "${solve[@]}" "model.ode.times=0 1 2 3"
quiet "${solve[@]}" "model.ode.times=0 1 2"
# A device without second derivatives solves what it cannot train, and check says so.
text="ode.energy: its gradient has second derivatives, which run.device = cpu has not: to train, use run.device = dual(base=cpu)"
expect 0 "$text" check "$source/conf/hamiltonian_network.ini" run.device=cpu
expect 0 "normal form" check "$source/conf/hamiltonian_network.ini"
! grep -q "second derivatives" out || fail "a note on the device that has them"
echo ok
