#!/usr/bin/env bash
# Why a run cannot go on is said as it is: one text and one exit code for every cause.
. "$1/tests/support/cli.sh"

# flow FILE SPAN INITIAL EQUATIONS: an ODE by itself.
flow() {
    cat >"$1.ini" <<END
[run]
dtype = float64
[model.ode]
layer = ode
span = $2
initial = $3
integrator = dopri5
rtol = 1e-6
atol = 1e-6
gradient = direct
[model.ode.f]
layer = formula
equations = $4
END
}

# ends CODE TEXT NOT ARGUMENTS...: as expect, and the error does not have NOT.
ends() {
    local not=$3
    expect "$1" "$2" "${@:4}"
    ! grep -qiE -- "$not|nan" err || fail "$*: says '$not', or nan"
}

# ---- solves ----

# Stability holds the steps down, and nothing else: of both controls, both dtypes, and two workers.
flow stiff "0 2000" "2 0" "x' = y | y' = 1000*(1-x^2)*y - x"
for control in sciml torchdiffeq; do
    ends 6 "ode: max_steps reached: the problem is stiff at t = " "learning" solve stiff.ini \
        model.ode.rtol=1e-3 model.ode.atol=1e-3 model.ode.control=$control
    has err "raise max_steps, shorten the span"
done
ends 6 "the problem is stiff at t = " "learning" solve stiff.ini model.ode.rtol=1e-3 \
    model.ode.atol=1e-3 run.dtype=float32
flow decay "0 100" "1" "y' = -1000*(y - cos(t))"
ends 6 "the problem is stiff at t = " "learning" solve decay.ini model.ode.max_steps=500
has err "|h lambda| is 3"

# Many steps, but not for stability: an oscillation, growth.
flow oscillation "0 1000" "1 0" "x' = y | y' = -x"
ends 6 "ode: max_steps reached at t = " "stiff" solve oscillation.ini model.ode.max_steps=300 \
    model.ode.rtol=1e-10 model.ode.atol=1e-10
has err "raise max_steps, or rtol and atol"
flow growth "0 300" "1" "y' = y"
ends 6 "ode: max_steps reached at t = " "stiff" solve growth.ini model.ode.max_steps=100

# A pole: larger tolerances do not help, and nothing is stiff.
flow pole "0 2" "1" "y' = y^2"
for control in sciml torchdiffeq; do
    ends 6 "the solution may not exist beyond here" "stiff|learning" solve pole.ini \
        model.ode.control=$control
done

# A field that is not defined somewhere within, at the start, and behind the end.
flow within "0 2" "1" "y' = sqrt(1 - t)"
ends 6 "ode: step size underflow: the field is not finite at t = 1" "learning|end = clip" \
    solve within.ini
flow start "0 1" "1" "y' = log(t)"
ends 6 "ode: step size underflow: the field is not finite at t = 0, after" "learning" solve start.ini
flow behind "0 1" "1" "y' = sqrt(1 - t)"
expect 0 "0,1,1.6666" solve behind.ini model.ode.end=clip
ends 6 "not finite behind the end of the span" "learning" solve behind.ini \
    model.ode.end=interpolate model.ode.first_step=0.1
has err "end = clip lets them end there"

# Tolerances that nothing can meet.
flow small "0 1" "0 1" "x' = y | y' = -x"
ends 6 "atol = 1e-300 is too small for a value that starts at 0: a larger atol, or first_step, will" \
    "the field|learning" solve small.ini model.ode.atol=1e-300
expect 0 "0,1,0.84147" solve small.ini model.ode.atol=1e-300 model.ode.first_step=0.01
flow sharp "1 2" "1" "y' = sin(50*y)"
ends 6 "rtol = 1e-12 is below the rounding of float32: a larger rtol or atol will help" "stiff|learning" \
    solve sharp.ini run.dtype=float32 model.ode.rtol=1e-12 model.ode.atol=1e-12 \
    model.ode.first_step=0.01

# ---- what comes into a block ----

cat >net.ini <<END
[run]
workers = 1
epochs = 2
[data]
dataset = csv(path=d.csv, inputs=x0 x1, label=y, test_fraction=0)
batch = 2
shuffle = no
[model.before]
layer = scale(factor=1)
[model.ode]
layer = ode(span=0 1, rtol=1e-3, atol=1e-3)
integrator = dopri5
gradient = direct
[model.ode.f]
layer = dense(units=state)
[model.head]
layer = dense(units=1)
[train]
loss = mse
optimizer = sgd(lr=0.01)
END
table() { # ROWS...: d.csv
    printf '%s\n' x0,x1,y "$@" >d.csv
}
run() { # CODE TEXT NOT ARGUMENTS...: training
    rm -rf r
    ends "$1" "$2" "$3" train net.ini run.out=r "${@:4}"
}

table 1e30,2,3 4,5,6 7,8,9 1,1,1
run 6 "ode: the state at the start is not finite at t = 0" "learning|field" model.before.factor=1e10
has err "what comes before the block makes it so"
has err "0 of the data set"

# ---- data ----

table 1,2,3 4,5,6 7,1e39,9 1,1,1
run 3 "d.csv:4, column 'x1': data: sample 2 of the training split: input 1e+39 is beyond float32" \
    "learning|field"
rm -rf r
ends 6 "the field is too steep here for rtol = 0.001, atol = 0.001" "atol = 0.001 is" train net.ini \
    run.out=r run.dtype=float64
table 1,2,3 4,5,6 7,8,-1e300 1,1,1
run 3 "d.csv:4, column 'y': data: sample 2 of the training split: label -1e+300 is beyond float32" \
    "learning"

cat >series.ini <<END
[run]
epochs = 1
[data]
dataset = trajectories(source=csv(path=d.csv), time=x0, values=x1 y, window=3)
batch = 2
[model.ode]
layer = ode(times=batch, initial=first, steps=1)
integrator = euler
gradient = direct
[model.ode.f]
layer = dense(units=state)
[train]
loss = mse
optimizer = sgd(lr=0.01)
END
table 0,1,1 1,2,2 2,3,1e39 3,4,4 4,5,5
rm -rf r
expect 3 "d.csv:4, column 'y': data: sample " train series.ini run.out=r
has err "is beyond float32: scale it, or give run.dtype = float64"
table 0,1,1 1,2,2 2,3,1 3,4,4 5,5,5
rm -rf r
expect 3 "has other times than the first" train series.ini run.out=r
has err "data.batch = 1 and data.test_batch = 1"
rm -rf r
expect 0 "results in" train series.ini run.out=r data.batch=1 data.test_batch=1

# Labels that are no classes, and numbers that are none: in training, in the test, on the way to a
# prediction, and where all samples go to the device at once.
cat >numbered.ini <<END
[run]
workers = 1
[data]
dataset = numbered
batch = 4
[model.head]
layer = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.01)
END
bash "$source/tests/support/make_idx.sh" toy 64 10
with=(--plugin-path "$build/test-plugins")
expect 0 "results in" "${with[@]}" train numbered.ini run.out=w
for workers in 1 2; do
    rm -rf r
    ends 3 "data: sample 4 of the training split: label 3 is none of the 3 classes, 0 to 2" \
        "learning" "${with[@]}" train numbered.ini run.out=r run.workers=$workers \
        'data.dataset=numbered(fault=label)'
done
bad='data.dataset=numbered(fault=label, length=12)'
expect 3 "data: sample 4 of the test split: label 3 is none of the 3 classes" "${with[@]}" \
    eval numbered.ini --weights w/weights.safetensors "$bad"
expect 3 "data: sample 4 of the test split: label 3 is none of the 3 classes" "${with[@]}" \
    predict numbered.ini --weights w/weights.safetensors --split test --out p.csv "$bad"
rm -rf r
expect 3 "data: sample 4 of the training split: input inf is no finite number" "${with[@]}" \
    train numbered.ini run.out=r 'data.dataset=numbered(fault=infinite)' run.device=remote \
    data.on_device=yes

# ---- plugins ----

breaks=(--plugin-path "$build/test-plugins" train "$ini/small.ini" "data.path=$work/toy" run.out=r)
file=$build/test-plugins/layer/breaks.so
broken() { # CODE TEXT OPTIONS: a layer that does what the options say
    rm -rf r
    ends "$1" "$2" "learning rate" "${breaks[@]}" "model.pool.then=flatten, breaks($3)"
}
for workers in 1 2; do
    breaks+=("run.workers=$workers")
    broken 4 "pool.breaks: layer breaks ($file), forward: it answered with the unknown status -1234" \
        how=unknown
    broken 6 "pool.breaks: layer breaks ($file), vjp: numerical failure; it gives no reason" \
        "how=silent, in=vjp"
    broken 4 "pool.breaks: layer breaks ($file), forward asks the device for what it refuses: cpu: copy" \
        how=refused
    ! grep -q "run.device" err || fail "the device is blamed"
done
broken 4 "layer breaks ($file), init: it answered with the unknown status" "how=unknown, in=init"
broken 4 "layer breaks ($file), plan: it sets flag bits that this host does not know: 0x100000" how=flags
broken 4 "layer breaks ($file), param: it sets a reserved field" how=reserved
broken 4 "pool.breaks: lists a parameter after its states" how=states
broken 4 "layer breaks needs fields of the batch that this host gives to no layer: bits 0x40000000" \
    how=needs
broken 4 "layer breaks ($file), plan: it declares 9 integrals along the path: 0 to 8 may be" \
    how=integrals
broken 4 "layer breaks ($file), plan: it declares integrals along the path, but no names" \
    how=nameless
broken 4 "pool.breaks: layer breaks makes a quantity without a name" how=quantity
ends 4 "ode.field.breaks: layer breaks declares an integral without a name" "learning rate" \
    "${breaks[@]}" "model.ode.field.then=tanh, dense(units=state), breaks(how=unnamed)"
