#!/usr/bin/env bash
# Solves that cannot go on: exit code 6, and a message with layer, t, h, counts and a way out.
. "$1/tests/support/cli.sh"
toy 64 10

# stops TEXT OVERRIDES...: training ends with TEXT in the error.
stops() {
    expect 6 "$1" train "$ini/small.ini" "data.path=$work/toy" run.out=run "${@:2}"
    rm -rf run
}

# The limit counts accepted and rejected steps.
stops "ode: max_steps reached at t = 0." model.ode.max_steps=2
has err "2 accepted and 0 rejected steps; raise max_steps, or rtol and atol"

# No step is small enough: from t = 1 on there is a smallest h for which t + h is not t.
stops "ode: step size underflow at t = 1, h = " 'model.ode.span=1 2' model.ode.rtol=1e-30 \
    model.ode.atol=1e-30
has err "rtol = 1e-30 is below the rounding of float32: a larger rtol or atol will help"

# One step with an absurd learning rate makes weights whose field is all but infinite.
stops "ode: step size underflow at t = 0, after " \
    'train.optimizer=sgd(lr=1e38)'
has err "the field is too steep here for rtol = 0.001, atol = 0.001"
has err "if training diverges, a smaller learning rate, clip_norm, or a bounded activation may help"
stops "the loss is " 'train.optimizer=sgd(lr=1e38)' model.ode.steps=2
has err "a smaller learning rate or train.clip_norm may help"
