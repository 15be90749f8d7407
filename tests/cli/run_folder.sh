#!/usr/bin/env bash
# The folder of a run serves where an INI, or weights, are meant; so does a checkpoint for weights.
. "$1/tests/support/cli.sh"
toy 256 64
data="data.path=$work/toy"
expect 0 "results in" train "$ini/small.ini" "$data" run.out=run run.epochs=2 run.workers=1
weights=run/weights.safetensors

expect 0 "test accuracy" eval run/effective.ini --weights $weights
cp out wanted
for words in "run" "run/" "run --weights run" "$ini/small.ini $data run.workers=1 --weights run" \
    "run/effective.ini train.weights=run" "run --weights run/checkpoints/ckpt-16.safetensors"; do
    read -r -a words <<<"$words"
    expect 0 "test accuracy" eval "${words[@]}"
    cmp out wanted || fail "eval ${words[*]}: another answer"
done

# Others come before a run's own weights.
expect 0 "results in" train "$ini/small.ini" "$data" run.out=other run.seed=9 run.workers=1
expect 0 "test accuracy" eval run --weights other
cp out others
! cmp -s others wanted || fail "--weights makes no difference"
expect 0 "test accuracy" eval run train.weights=other
cmp out others || fail "train.weights does not come before a run's own weights"
# A run that started from other weights has those that it ended with.
expect 0 "results in" train "$ini/small.ini" "$data" run.out=tuned train.weights=other run.workers=1
expect 0 "test accuracy" eval tuned/effective.ini --weights tuned/weights.safetensors
cp out wanted_tuned
expect 0 "test accuracy" eval tuned
cmp out wanted_tuned || fail "a run's folder has the weights that it started from"

expect 0 "64 predictions" predict run/effective.ini --weights $weights --split test --out a.csv
expect 0 "64 predictions" predict run --split test --out b.csv
cmp a.csv b.csv || fail "predict RUN: others"
expect 0 "run/effective.ini: ok" check run
expect 0 "" solve run/effective.ini --split test --weights $weights
cp out states
expect 0 "" solve run --split test
cmp out states || fail "solve RUN: others"
expect 6 "max_steps" train "$ini/small.ini" "$data" run.out=failed model.ode.max_steps=2
batch=failed/failure/batch.safetensors
expect 0 "loss" grad run/effective.ini --weights $weights --batch $batch --out g.safetensors
expect 0 "loss" grad run --batch $batch --out h.safetensors
cmp g.safetensors h.safetensors || fail "grad RUN: others"

# A run without its last weights has those of its newest checkpoint.
cp -r run cut
rm cut/weights.safetensors
expect 0 "test accuracy" eval cut
cmp out wanted || fail "a run's checkpoint has other weights"
has err "cut: has no weights.safetensors yet; taken from $work/cut/checkpoints/ckpt-16"
rm -r cut/checkpoints
expect 5 "cut: not a regular file, and no run's folder with weights" eval cut
expect 0 "cut/effective.ini: ok" check cut
expect 5 "toy: not a regular file, and no run's folder: it has no effective.ini" eval toy
expect 5 "toy: not a regular file, and no run's folder with weights" eval run --weights toy
# A checkpoint that is damaged is no weights.
head -c 3000 run/checkpoints/ckpt-16.safetensors >damaged.safetensors
printf 'x' | dd of=damaged.safetensors bs=1 seek=2999 conv=notrunc status=none
tail -c +3001 run/checkpoints/ckpt-16.safetensors >>damaged.safetensors
expect 3 "damaged.safetensors: " eval run --weights damaged.safetensors

# Nor are a run's own files written over.
expect 2 "reads (train.weights)" predict run --split test --out run/weights.safetensors
expect 2 "reads (the configuration)" solve run --split test --out run/effective.ini

# train says what could be meant.
expect 2 "odeon train run --resume goes on with it" train run
[ "$(ls)" = "$(printf '%s\n' $(ls))" ] && [ ! -e runs ] || fail "train RUN has begun a run"
