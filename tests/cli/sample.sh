#!/usr/bin/env bash
# sample: points and pictures of models that make them of noise; flows in training.
. "$1/tests/support/cli.sh"

cat >flow.ini <<'EOF'
[run]
dtype = float64
iterations = 4
workers = 2
[data]
dataset = moons(points=64)
batch = 16
[model.flow]
layer = flow_matching
[model.flow.time]
layer = concat_time
[model.flow.field]
layer = dense(units=state)
[train]
loss = square
optimizer = adam(lr=0.01)
[sample.flow]
layer = ode
integrator = rk4
steps = 4
gradient = direct
EOF

# What is drawn in training follows from the step: two steps and two more are four.
expect 0 "" train flow.ini run.out=whole
expect 0 "" train flow.ini run.out=parts run.iterations=2
expect 0 "" train parts --resume run.iterations=4
cmp whole/weights.safetensors parts/weights.safetensors || fail "a run that went on has other weights"
expect 0 "" train flow.ini run.out=alone run.workers=1
expect 0 "" train flow.ini run.out=other run.seed=2
cmp -s whole/weights.safetensors other/weights.safetensors && fail "another seed has the same weights"

# Standard output has the samples and nothing else, the first of them whatever their number.
expect 0 "sample,y0,y1" sample whole --n 3
[ "$(wc -l <out)" -eq 4 ] || fail "not a heading and three samples"
[ "$(cat err)" = "3 samples in standard output" ] || fail "other words"
cp out three
expect 0 "" sample whole --n 40 --out forty.csv
head -n 4 forty.csv | cmp - three || fail "the first of forty are others than the first of three"
expect 0 "" sample whole --n 3 data.test_batch=2
cmp out three || fail "samples depend on the batch"
expect 0 "" sample whole --n 3 run.seed=2
cmp -s out three && fail "another seed draws the same"
# The key is one like all others, and a later override holds.
expect 0 "" sample whole --n 3 model.flow.steps=1
cmp -s out three && fail "an override is without effect"
expect 0 "" sample whole --n 3 sample.flow.steps=1
cp out by_section
expect 0 "" sample whole --n 3 model.flow.steps=1
cmp out by_section || fail "an override of [sample.flow] is another one"
# 64 unless given; an array has the run's dtype.
expect 0 "64 samples in x.npy" sample whole --out x.npy
[ "$(wc -c <x.npy)" -eq $((128 + 64 * 2 * 8)) ] || fail "x.npy has another size"

# Mistakes.
expect 2 "--n 0: must be a number of samples" sample whole --n 0
expect 2 "--range 1,0: must be two numbers" sample whole --range 1,0
expect 2 "--out x.jpg: must end in .npy, .png or .csv" sample whole --out x.jpg
expect 2 "samples are no images" sample whole --out x.png
expect 2 "no weights given" sample flow.ini
sed "s/sample.flow/sample.flaw/" flow.ini >flaw.ini
expect 2 "flaw.ini:17: [sample.flaw] there is no [model.flaw] whose keys" train flaw.ini
expect 2 "the body makes [1, 3] of [1, 2]" check flow.ini model.flow.field.units=3

# Images, in the shape of the data although the model makes vectors.
toy 16 16
cat >images.ini <<'EOF'
[run]
iterations = 1
[data]
dataset = idx(path=toy)
batch = 16
[model.flat]
layer = flatten
[model.flow]
layer = flow_matching
[model.flow.field]
layer = dense(units=state)
[train]
loss = square
optimizer = sgd(lr=0.01)
[sample.flow]
layer = ode
integrator = euler
steps = 1
gradient = direct
EOF
expect 0 "" train images.ini run.out=pictures
expect 0 "5 samples in x.png" sample pictures --n 5 --out x.png --range=-1,1
[ "$(head -c 8 x.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] || fail "x.png is no PNG"
expect 0 "5 samples in x.npy" sample pictures --n 5 --out x.npy
head -c 128 x.npy | grep -q "'shape': (5, 1, 28, 28)" || fail "x.npy has another shape"
