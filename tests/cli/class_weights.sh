#!/usr/bin/env bash
# Class weights and label smoothing: the mean divides by what the labels of the whole batch count, over
# any number of workers and batches.
. "$1/tests/support/cli.sh"
toy 96 32
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" run.dtype=float64 run.epochs=1
weights="1 2 0.5 1 0 3 1 1 0.25 1"

# loss RUN: of its first step.
loss() {
    awk -F, '$4 == "train" { print $5; exit }' "$1/metrics.csv"
}

near() {
    awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 1e-12 * a) }' ||
        fail "$3: $1 and $2"
}

expect 0 "results in" train "$@" run.workers=1 "train.loss=cross_entropy(class_weights=$weights, label_smoothing=0.1)" run.out=one
expect 0 "results in" train "$@" run.workers=3 "train.loss=cross_entropy(class_weights=$weights, label_smoothing=0.1)" run.out=three
near "$(loss one)" "$(loss three)" "three workers"
has one/effective.ini "label_smoothing=0.1"
has one/effective.ini "class_weights=1 2 0.5 1 0 3 1 1 0.25 1"

# Over a split in batches of any size it is one mean.
for batch in 32 5; do
    expect 0 "test loss" eval one data.test_batch="$batch"
    grep "^test loss" out >"$batch"
done
cmp 32 5 || fail "the loss of a split depends on its batches"

# Also in batches of one sample, some of which count nothing.
expect 0 "results in" train "$@" run.workers=1 "train.loss=cross_entropy(class_weights=$weights)" run.out=bare
for batch in 32 1; do
    expect 0 "test loss" eval bare data.test_batch="$batch"
    grep "^test loss" out >"$batch"
done
cmp 32 1 || fail "batches that count nothing have a say in the loss of a split"

# All weights alike are none.
expect 0 "results in" train "$@" run.workers=1 run.out=plain
expect 0 "results in" train "$@" run.workers=1 "train.loss=cross_entropy(class_weights=3 3 3 3 3 3 3 3 3 3)" run.out=alike
near "$(loss plain)" "$(loss alike)" "equal weights"

expect 2 "class_weights has 2 numbers, the data set 10 classes" train "$@" "train.loss=cross_entropy(class_weights=1 2)"
expect 2 "no class counts" train "$@" "train.loss=cross_entropy(class_weights=0 0 0 0 0 0 0 0 0 0)"
expect 2 "label_smoothing = 2: allowed" train "$@" "train.loss=cross_entropy(label_smoothing=2)"
