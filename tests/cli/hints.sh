#!/usr/bin/env bash
# What people who come from elsewhere type first is answered with the word that stands for it here.
. "$1/tests/support/cli.sh"
small=$ini/small.ini

# hint TEXT ARGUMENTS...: check refuses them, and its one line has TEXT.
hint() {
    local text=$1
    shift
    expect 2 "$text" check "$small" "$@"
}

# ---- names of components, in any letters ----
while read -r setting name; do
    hint "did you mean '$name'?" "$setting"
done <<'END'
model.ode.integrator=rk45 dopri5
model.ode.integrator=RK45 dopri5
model.ode.integrator=ode45 dopri5
model.ode.integrator=dopri853 dop853
model.ode.integrator=DOP853 dop853
model.ode.integrator=Tsit5 tsit5
model.ode.integrator=rk2 midpoint
model.ode.integrator=RungeKutta4 rk4
model.ode.gradient=backprop direct
model.ode.gradient=backpropagation direct
model.ode.gradient=odeint_adjoint adjoint
model.head.layer=linear dense
model.head.layer=Linear dense
model.head.layer=fc dense
model.head.layer=Conv2d conv2d
model.head.layer=BatchNorm2d batchnorm
model.head.layer=group_norm groupnorm
model.head.layer=Sequential chain
model.head.layer=neural_ode ode
model.head.then=ReLU relu
model.head.then=GELU gelu
train.loss=NLLLoss cross_entropy
train.loss=crossentropy cross_entropy
train.loss=CrossEntropyLoss cross_entropy
train.loss=MSELoss mse
train.loss=mae l1
train.loss=huber smooth_l1
train.optimizer=Adam adam
train.optimizer=nadam adam
train.optimizer=momentum sgd
train.schedule=StepLR steps
train.schedule=CosineAnnealingLR cosine
data.dataset=mnist idx
data.dataset=fashion idx
data.dataset=fashion_mnist idx
data.dataset=FashionMNIST idx
data.dataset=pandas csv
END
# Nothing near: all there are. A gpu is no slip of cpu.
hint "no optimizer is named 'lion': allowed: adam, adamw, lbfgs, rmsprop, sgd" train.optimizer=lion
hint "no layer is named 'mish': allowed: attention, augment, avgpool" model.head.then=mish
if [ -e "$build/plugins/device/cuda.so" ]; then
    hint "no device is named 'gpu': did you mean 'cuda'?" run.device=gpu
else
    hint "no device is named 'gpu': allowed: cpu, dual, reference" run.device=gpu
fi

# ---- names of keys and options ----
while read -r setting name; do
    hint ": did you mean '$name'?" "$setting"
done <<'END'
model.ode.method=euler integrator
model.ode.solver=euler integrator
model.ode.dt=0.1 step_size
model.ode.sensealg=direct gradient
model.head.hidden=4 units
model.head.layer=dense(out_features=4) units
model.pool.kernel_size=2 kernel
model.head.activation=relu then
data.batch_size=3 batch
data.root=x path
run.num_workers=2 workers
train.learning_rate=1 lr
train.eps=1 epsilon
train.criterion=mse loss
train.scheduler=cosine schedule
END
hint "did you mean 'rtol' or 'atol'?" model.ode.tol=1e-3

# ---- keys of another section ----
hint "'lr' is no key of the section or of layer ode (which stands in $small): did you mean 'lr' of [train], an option of optimizer = adam?" \
    model.ode.lr=1e-2
hint "[run] 'lr' is no key of the section: did you mean 'lr' of [train]" run.lr=1e-2
hint "did you mean 'epochs' of [run]?" data.epochs=3
hint "did you mean 'batch' of [data]?" train.batch=3
hint "did you mean 'rtol' of [model.ode], an option of layer = ode?" run.rtol=1
hint "did you mean [train] schedule = cosine(warmup=...)?" train.schedule=cosine train.warmup=2
hint "did you mean integrator = adams_bashforth(order=...)?" model.ode.order=3 \
    model.ode.integrator=adams_bashforth
hint "'optimizer' is a key of [train], whose keys are its options too: train.lr=1e-2" \
    train.optimizer.lr=1e-2
hint "did you mean run.epochs=3?" epochs=3
hint "did you mean train.lr=1e-2?" lr=1e-2
hint "did you mean data.batch=3?" batch_size=3
hint "did you mean train.schedule=cosine(warmup=2)?" train.schedule=cosine warmup=2
hint "expected path.key=value, the path that of a section, as train.loss=NAME" xyzzy=1

# ---- how values are written ----
hint "give one layer here; those that follow it go into a key of their own: then = relu, tanh" \
    "model.head.layer=dense(units=3), relu, tanh"
hint "span = 0,1: not a number: a list has blanks between its numbers, no commas" model.ode.span=0,1
hint "separated by commas; numbers of a list, by blanks" "model.ode.layer=ode(span=0,1)"
hint "[let] there is no 'w': write w = TEXT below a [let] of the INI" let.w=3
hint "[let] has no 'w': write w = TEXT below a [let] of the INI" 'model.head.units=${w}'

# ---- sections ----
printf '[modle.a]\nlayer = dense\n' >modle.ini
expect 2 "there is no such section: did you mean 'model.a'?" check modle.ini
printf 'epochs = 3\n[run]\n' >bare.ini
expect 2 "'epochs' comes before the first [section]: only include may; put it below [run]" check bare.ini

# ---- aliases are told, and are no names ----
expect 0 "aliases    rk45, ode45" inspect integrator dopri5
expect 0 "aliases: kernelsize" inspect layer conv2d
expect 0 "aliases: batchsize" inspect data
expect 0 '"aliases": "rk45|ode45' inspect integrator dopri5 --json
expect 2 "no integrator is named 'rk45': did you mean 'dopri5'?" inspect integrator rk45

# Plugins that crash when they are loaded cost no hint of another.
mkdir -p bad/integrator
cp "$build"/hostile-plugins/integrator/{crashes,segfaults,leaves}.so bad/integrator/
chmod go-w bad bad/* bad/*/*
expect 2 "did you mean 'dopri5'" --plugin-path bad check "$small" model.ode.integrator=rk45
expect 2 "allowed: adams_bashforth" --plugin-path bad check "$small" model.ode.integrator=xyzzy

# ---- what check says of data ----
expect 0 "data.path: /nowhere: No such file or directory" check "$small" data.path=/nowhere
has out "but see the notes above"
expect 0 "data.order: $work/none: No such file" check "$small" data.order=none
expect 3 "/nowhere" check --data "$small" data.path=/nowhere
toy
expect 0 "data: 256 samples to train on, 64 to test on" check --data "$small" "data.path=$work/toy"
! grep -q "No such file" out || fail "a folder that is there is missed"
expect 2 "--data: the INI has no [data]" check --data "$source/conf/lane_emden.ini"

# ---- the kinds ----
expect 2 "loss, schedule, observer and view" inspect thing x
expect 0 "loss, schedule, observer or view" help inspect
echo ok
