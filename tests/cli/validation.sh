#!/usr/bin/env bash
# A validation split: which samples it has, what it chooses, when it ends a run, and that the test split
# is looked at once.
. "$1/tests/support/cli.sh"
toy 96 32
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=16 run.workers=1 run.epochs=12

# rows RUN SPLIT: the steps of its rows of a split.
rows() {
    awk -F, -v s="$2" '$4 == s { printf "%s%s", space, $1; space = " " }' "$1/metrics.csv"
}

# best RUN: the step of the first row of the highest accuracy over the validation split.
best() {
    awk -F, '$4 == "validation" && (best == "" || $6 > best) { best = $6; step = $1 } END { print step }' \
        "$1/metrics.csv"
}

# 24 of 96 samples are set apart: 72 make 5 batches.
expect 0 "results in" train "$@" data.validation=0.25 run.out=a
[ "$(rows a validation)" = "5 10 15 20 25 30 35 40 45 50 55 60" ] || fail "$(rows a validation)"
[ "$(rows a test)" = 60 ] || fail "the test split was evaluated at $(rows a test)"
has a/manifest.json '"validation_samples": 24'
has a/effective.ini "validation = 0.25"
has out "validation loss "
step=$(best a)
if [ "$step" != 60 ]; then # the weights are those of the best validation, and only they are tested
    has out "best validation accuracy "
    has out "best weights: test accuracy "
    expect 0 "test accuracy " eval a --weights a/weights-best.safetensors
    grep -h "^test" out >alone
    expect 0 "results in" train "$@" data.validation=0.25 run.out=a2
    sed -n 's/^best weights: //p' out | cmp - alone || fail "other figures of the best weights"
fi

# The same samples for every seed, none of them trained on: predictions know their rows.
for split in train validation; do
    for seed in 1 2; do
        expect 0 "predictions in" predict "$@" data.validation=0.25 "run.seed=$seed" \
            --weights a/weights.safetensors --split "$split" --out "$split$seed.csv"
    done
    cmp "${split}1.csv" "${split}2.csv" || fail "the $split split depends on run.seed"
done
[ "$(tail -n +2 train1.csv | cut -d, -f1 | wc -l)" = 72 ] || fail "not 72 samples to train on"
[ "$(cat train1.csv validation1.csv | grep -v row | cut -d, -f1 | sort -un | wc -l)" = 96 ] ||
    fail "samples are missing or twice"
expect 0 "validation loss" eval a --split validation
expect 0 "train loss" eval a --split train

# run.eval_test looks at both; the training is the same.
expect 0 "results in" train "$@" data.validation=0.25 run.eval_test=yes run.out=both
[ "$(rows both test)" = "$(rows both validation)" ] || fail "tests at $(rows both test)"
cmp a/weights.safetensors both/weights.safetensors || fail "other weights"
cmp a/weights-best.safetensors both/weights-best.safetensors || fail "other best weights"

# By the loss, which falls for longer than the accuracy rises.
expect 0 "results in" train "$@" data.validation=0.25 run.best_by=loss run.out=loss
! cmp -s a/weights-best.safetensors loss/weights-best.safetensors || fail "the same best weights"
cmp a/weights.safetensors loss/weights.safetensors || fail "the choice changes the weights"

# Patience ends a run with its test and its checkpoint; what goes on with more of it is the whole run.
expect 0 "stopped after step " train "$@" data.validation=0.25 "run.stop_patience=2 epochs" run.out=stopped
last=$(rows stopped validation | awk '{ print $NF }')
[ "$(rows stopped test)" = "$last" ] || fail "tests at $(rows stopped test), not at $last"
[ "$last" -lt 60 ] && [ $((last - $(best stopped))) = 10 ] || fail "ended at $last, best at $(best stopped)"
expect 0 "finished" runs .
expect 0 "nothing is left to do" train stopped --resume
expect 0 "results in" train stopped --resume "run.stop_patience=100 epochs"
cmp a/weights.safetensors stopped/weights.safetensors || fail "other weights after going on"
cmp a/weights-best.safetensors stopped/weights-best.safetensors || fail "other best weights"

# Time ends a run, with all that ends one.
expect 0 "seconds have passed (run.max_time)" train "$@" run.epochs=100000000 run.max_time=0.1 run.out=time
[ "$(rows time test | awk '{ print $NF }')" = "$(tail -1 time/metrics.csv | cut -d, -f1)" ] || fail "no test"
expect 0 "nothing is left to do" train time --resume

# What cannot be meant.
expect 3 "of 96 samples that is 0, which leaves none to validate on" train "$@" data.validation=0.001
expect 3 "which leaves none to train on" train "$@" data.validation=0.999
expect 2 "validation = 0: allowed: 0 < validation < 1" train "$@" data.validation=0
expect 2 "validation = 1: allowed: 0 < validation < 1" train "$@" data.validation=1
expect 2 "there is no validation split" train "$@" "run.stop_patience=2 epochs"
expect 2 "stop_patience = 2: give a number of epochs or steps" train "$@" run.stop_patience=2
expect 2 "stop_patience = 2 seconds: give" train "$@" data.validation=0.5 "run.stop_patience=2 seconds"
expect 2 "max_time = 0: allowed: max_time > 0" train "$@" run.max_time=0
expect 2 "best_by = mae: allowed: auto, loss" train "$@" run.best_by=mae
expect 2 "--split all: must be train, validation or test" eval a --split all
expect 2 "--split validation: there is none" eval "$@" --weights a/weights.safetensors --split validation
seq 0 95 >order
expect 2 "data.order names the samples to train on" train "$@" data.validation=0.5 "data.order=$work/order"
