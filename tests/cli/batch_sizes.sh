#!/usr/bin/env bash
# A batch that is smaller than a layer takes is refused before the first step, wherever its size
# follows from the configuration and the data.
. "$1/tests/support/cli.sh"

awk 'BEGIN { print "a,b,c"; for (i = 0; i < 9; i++) printf "%g,%g,%g\n", i / 9, i % 3, i / 4 }' >nine.csv
cat >norm.ini <<'END'
[run]
epochs = 2
[data]
dataset = csv(path=nine.csv, inputs=a b, label=c, test_fraction=0)
batch = 4
[model.l]
layer = dense(units=3)
then = batchnorm
[model.h]
layer = dense(units=1)
[train]
loss = mse
optimizer = sgd(lr=0.01)
END

# refused TEXT ARGUMENTS...: with exit code 2, and without a trace of a run.
refused() {
    local text=$1
    shift
    expect 2 "$text" train norm.ini run.out="$work/no" "$@"
    [ ! -e no ] || fail "a run began: $(ls no)"
}
late='l.batchnorm: layer batchnorm takes no fewer than 2 samples a batch in training, but the last batch of an epoch has 1: 9 samples, data.batch = 4; leave it out (data.drop_last = yes)'
refused "$late"
refused "$late" run.workers=2
refused "$late" run.iterations=3
refused "the last batch of an epoch has 1: 9 samples, data.batch = 2" data.batch=2
refused "the last batch of an epoch has 1: 1 samples, data.batch = 4" data.limit=1
refused "but data.batch = 1" data.batch=1
expect 2 "but data.batch = 1" check norm.ini data.batch=1
expect 0 "ok" check norm.ini

# What is trained: without the last batch, where the run ends before it, with batches that fit.
run=0
for settings in "data.drop_last=yes" "run.iterations=2" "data.batch=3" "data.limit=8" \
    "data.batch=100"; do
    run=$((run + 1))
    expect 0 "results in" train norm.ini run.out="$work/run$run" "$settings"
done
# The test split may have batches of any size: it is normalized by the running statistics.
expect 0 "results in" train norm.ini run.out="$work/test" data.drop_last=yes data.test_batch=1

# In the field of an ODE block too; and an image has more than one number a channel.
cat >field.ini <<'END'
[data]
dataset = csv(path=nine.csv, inputs=a b, label=c, test_fraction=0)
batch = 4
[model.ode]
layer = ode(span=0 1, steps=1)
integrator = euler
gradient = direct
[model.ode.f]
layer = dense(units=state)
then = batchnorm
[model.h]
layer = dense(units=1)
[train]
loss = mse
optimizer = sgd(lr=0.01)
END
expect 2 "ode.f.batchnorm: layer batchnorm takes" train field.ini run.out="$work/no"
toy
cat >images.ini <<'END'
[data]
dataset = idx(path=toy)
batch = 4
limit = 9
[model.c]
layer = conv2d(filters=2, kernel=3)
then = batchnorm, flatten
[model.h]
layer = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.01)
END
expect 0 "results in" train images.ini run.out="$work/images"
echo ok
