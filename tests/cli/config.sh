#!/usr/bin/env bash
# What is wrong in an INI or an override is said with file and line, or the override, and a way out.
. "$1/tests/support/cli.sh"
small=$ini/small.ini

expect 5 "absent.ini: cannot be opened" check absent.ini
expect 2 "override run.epochs: expected path.key=value" check "$small" run.epochs
expect 2 "'epoch' is no key of the section: did you mean 'epochs'?" check "$small" run.epoch=2
expect 2 "override data.batch=0: [data] batch = 0: allowed: batch >= 1" check "$small" data.batch=0
expect 2 "allowed: float32, float64" check "$small" run.dtype=float16
expect 2 "no integrator is named 'dopri': did you mean 'dopri5'?" check "$small" \
    model.ode.integrator=dopri
expect 2 "euler estimates no error" check "$small" model.ode.integrator=euler
expect 2 "both steps and step_size" check "$small" model.ode.steps=4 model.ode.step_size=0.1

# In an INI the line is said.
sed 's/^batch .*/bach = 32/' "$small" >typo.ini
expect 2 "typo.ini:7: [data] 'bach' is no key of the section or of dataset idx: did you mean 'batch'?" check typo.ini

# Layers that do not fit: both paths and shapes are named.
expect 2 "its input is the output [1, 7, 7] of layer pool.relu" check "$small" \
    model.pool.then=relu "model.ode.enabled=no"
has err "head: dense: "
expect 2 "the body makes [16] of [49] (last layer ode.field.tanh)" check "$small" \
    model.ode.field.then=tanh
expect 2 "the network has 12 outputs, the data set 10 classes" check "$small" model.head.units=12

# Where an override gives a section another component, keys of the one before are dropped, and said.
expect 0 "small.ini:16: model.ode.integrator has no effect: it belongs to ode, which is replaced (override" check \
    "$small" model.ode.layer=residual
has out "normal form: makes the same model"
has out "ok, but see the notes above"
expect 0 "small.ini:19: model.ode.field has no effect: it belongs to ode, which is replaced (override" \
    check "$small" model.ode.layer=identity
expect 2 "'integratr' is no key of the section or of layer residual" check "$small" \
    model.ode.layer=residual model.ode.integratr=rk4

# Weights of another model, none, and a file that is something else.
toy 64 10
data="data.path=$work/toy"
expect 0 "results in" train "$small" "$data" run.iterations=1 run.out=run
weights=run/weights.safetensors
expect 3 "tensor 'ode.field.weight' is [16, 49], the model needs [17, 49]" eval "$small" "$data" \
    --weights $weights model.ode.field.units=17
expect 3 "tensor 'head.bias' belongs to no layer of this model" eval "$small" "$data" \
    --weights $weights model.head.bias=no
expect 5 "absent.safetensors" eval "$small" "$data" --weights absent.safetensors
expect 3 "no valid safetensors file" eval "$small" "$data" --weights "$small"
