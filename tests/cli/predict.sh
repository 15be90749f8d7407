#!/usr/bin/env bash
# predict: the same numbers as eval and grad, whatever form the samples come in.
. "$1/tests/support/cli.sh"
toy 256 64
data="data.path=$work/toy"
expect 0 "test accuracy" train "$ini/small.ini" "$data" run.out=run run.epochs=2
weights=run/weights.safetensors
expect 0 "test accuracy" eval "$ini/small.ini" "$data" --weights $weights
accuracy=$(sed -n 's/^test accuracy //p' out)
predict=(predict "$ini/small.ini" "$data" --weights "$weights")

# tensor FILE NAME: the bytes of a tensor.
tensor() {
    local length offsets
    length=$(od -An -tu8 -N8 "$1")
    offsets=$(head -c $((8 + length)) "$1" | tail -c +9 |
        sed -E "s/.*\"$2\":\{[^}]*\"data_offsets\":\[([0-9]+),([0-9]+)\].*/\1 \2/")
    # head leaves before tail is done
    { tail -c +$((8 + length + 1 + ${offsets% *})) "$1" || true; } | head -c $((${offsets#* } - ${offsets% *}))
}

# The test split: eval's accuracy, in batches of any size.
expect 0 "accuracy $accuracy" "${predict[@]}" --split test --out split.safetensors
has out "64 predictions in split.safetensors"
expect 0 "accuracy $accuracy" "${predict[@]}" --split test --out split.csv data.test_batch=7
[ "$(wc -l <split.csv)" -eq 65 ] || fail "not a heading and 64 lines"
[ "$(head -n 1 split.csv)" = label,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9 ] || fail "another heading"
tensor split.safetensors labels | od -An -v -tu8 -w8 | tr -d ' ' >labels
tail -n +2 split.csv | cut -d, -f1 | cmp - labels || fail "CSV has other labels"
# Each line's probabilities sum to 1, and the label's is the largest.
tail -n +2 split.csv | awk -F, '{
    sum = 0; best = 2
    for (i = 2; i <= NF; i++) { sum += $i; if ($i > $best) best = i }
    if (sum < 0.999999 || sum > 1.000001 || best - 2 != $1) exit 1
}' || fail "these are no probabilities of the label"

# npy FILE DESCR SHAPE: standard input as an array.
npy() {
    local header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    { printf '\x93NUMPY\x01\x00\x76\x00'; printf '%-117s\n' "$header"; cat; } >"$1"
}

# The stored bytes as uint8 are the split.
gunzip -c toy/t10k-images-idx3-ubyte.gz | tail -c +17 | npy stored.npy '|u1' '(64, 1, 28, 28)'
expect 0 "64 predictions" "${predict[@]}" --in stored.npy --out stored.safetensors
! grep -q accuracy out || fail "an accuracy without labels"
cmp split.safetensors stored.safetensors || fail "uint8 is not what the data set stores"
expect 0 "64 predictions" "${predict[@]}" --in stored.npy --out wide.safetensors --dtype float64
grep -aqF '"probabilities":{"dtype":"F64","shape":[64,10]' wide.safetensors || fail "not float64"
# The layers of [data.*] apply to it, but not to float32.
sed 's/^\[model.pool\]/[data.dim]\nlayer = normalize(mean=0.5, std=0.25)\n\n&/' "$ini/small.ini" >dim.ini
dim=(predict dim.ini "$data" --weights "$weights")
expect 0 "64 predictions" "${dim[@]}" --in stored.npy --out dim.safetensors
expect 0 "accuracy" "${dim[@]}" --split test --out dimsplit.safetensors
cmp dim.safetensors dimsplit.safetensors || fail "[data.*] does not apply to uint8"
! cmp -s dim.safetensors split.safetensors || fail "[data.*] changes nothing"

# A capsule's batch is what the model takes, with labels: grad's output, to the bit.
expect 6 "max_steps" train "$ini/small.ini" "$data" run.out=failed model.ode.max_steps=2
batch=failed/failure/batch.safetensors
expect 0 "loss" grad "$ini/small.ini" --weights $weights --batch $batch --out grad.safetensors
share=$(sed -n 's/^accuracy //p' out)
expect 0 "accuracy $(printf %.4f "$share")" "${predict[@]}" --in $batch --out p.safetensors \
    run.workers=1
cmp <(tensor grad.safetensors output) <(tensor p.safetensors output) || fail "not grad's output"
expect 0 "accuracy" "${dim[@]}" --in $batch --out d.safetensors run.workers=1
cmp d.safetensors p.safetensors || fail "[data.*] applies to float32"
tensor $batch x | npy x.npy '<f4' '(32,1,28,28)'
expect 0 "32 predictions" "${predict[@]}" --in x.npy --out q.safetensors run.workers=1
cmp q.safetensors p.safetensors || fail "npy and safetensors differ"

# round FILE: its numbers to four digits: the last ones depend on the size of a batch.
round() {
    tail -n +2 "$1" | awk -F, '{ for (i = 1; i <= NF; i++) printf "%.4f ", $i; print "" }'
}

# The training split, in stored order or that of data.order.
expect 0 "256 predictions" "${predict[@]}" --split train --out all.csv
expect 0 "3 predictions" "${predict[@]}" --split train --out three.csv data.limit=3
cmp <(round all.csv | head -n 3) <(round three.csv) || fail "the training split is not in its order"
printf '2 0\n' >order
expect 0 "2 predictions" "${predict[@]}" --split train --out two.csv data.order=order
cmp <(round all.csv | sed -n '3p'; round all.csv | sed -n 1p) <(round two.csv) || fail "data.order is left out"

# What cannot be.
expect 2 "one of --in FILE and --split NAME" "${predict[@]}" --out x.csv
expect 2 "one of --in FILE and --split NAME" "${predict[@]}" --in x.npy --split test --out x.csv
expect 2 "must be train or test" "${predict[@]}" --split both --out x.csv
expect 2 "must end in .safetensors or .csv" "${predict[@]}" --split test --out x.txt
expect 2 "must end in .npy or .safetensors" "${predict[@]}" --in order --out x.csv
expect 2 "no weights given" predict "$ini/small.ini" "$data" --split test --out x.csv
expect 5 "absent.npy" "${predict[@]}" --in absent.npy --out x.csv
expect 5 "nowhere" "${predict[@]}" --in stored.npy --out nowhere/x.csv
expect 3 "no tensor x" "${predict[@]}" --in split.safetensors --out x.csv
head -c $((64 * 784)) /dev/zero | npy flat.npy '|u1' '(64, 784)'
expect 3 "x is 64x784, but must be Nx1x28x28 with N >= 1" "${predict[@]}" --in flat.npy --out x.csv
npy none.npy '|u1' '(0, 1, 28, 28)' </dev/null
expect 3 "with N >= 1" "${predict[@]}" --in none.npy --out x.csv
head -c 1000 stored.npy >short.npy
expect 3 "not what its shape says" "${predict[@]}" --in short.npy --out x.csv
# A float32 NaN.
{ printf '\x00\x00\xc0\x7f'; head -c $((4 * 783)) /dev/zero; } | npy nan.npy '<f4' '(1, 1, 28, 28)'
expect 6 "" "${predict[@]}" --in nan.npy --out x.csv
expect 6 "predict: output 0 of sample 0 is" "${predict[@]}" --in nan.npy --out x.csv model.ode.steps=2
[ ! -e x.csv ] || fail "a failure left a file"
