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
[ "$(head -n 1 split.csv)" = row,true,label,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9 ] || fail "another heading"
tensor split.safetensors labels | od -An -v -tu8 -w8 | tr -d ' ' >labels
tail -n +2 split.csv | cut -d, -f3 | cmp - labels || fail "CSV has other labels"
# Each line's probabilities sum to 1, and the label's is the largest.
tail -n +2 split.csv | awk -F, '{
    sum = 0; best = 4
    for (i = 4; i <= NF; i++) { sum += $i; if ($i > $best) best = i }
    if (sum < 0.999999 || sum > 1.000001 || best - 4 != $3) exit 1
}' || fail "these are no probabilities of the label"

# Rows count from 0, and true labels are the data set's: a confusion matrix can be made of them.
tail -n +2 split.csv | cut -d, -f1 | cmp - <(seq 0 63) || fail "other rows"
gunzip -c toy/t10k-labels-idx1-ubyte.gz | tail -c +9 | od -An -v -tu1 -w1 | tr -d ' ' >true
tail -n +2 split.csv | cut -d, -f2 | cmp - true || fail "other true labels"
tensor split.safetensors true_labels | od -An -v -tu8 -w8 | tr -d ' ' | cmp - true ||
    fail "safetensors has other true labels"
tensor split.safetensors rows | od -An -v -tu8 -w8 | tr -d ' ' | cmp - <(seq 0 63) ||
    fail "safetensors has other rows"
tail -n +2 split.csv | awk -F, -v share="$accuracy" '{ right += $2 == $3 }
    END { exit sprintf("%.4f", right / NR) != share }' || fail "true labels give another accuracy"

# same A B: files of equal predictions, whether they have true labels or not.
same() {
    local name
    for name in output labels probabilities; do
        cmp -s <(tensor "$1" "$name") <(tensor "$2" "$name") || return 1
    done
}

# npy FILE DESCR SHAPE: standard input as an array.
npy() {
    local header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    { printf '\x93NUMPY\x01\x00\x76\x00'; printf '%-117s\n' "$header"; cat; } >"$1"
}

# The stored bytes as uint8 are the split.
gunzip -c toy/t10k-images-idx3-ubyte.gz | tail -c +17 | npy stored.npy '|u1' '(64, 1, 28, 28)'
printf '\0\0\200\177' | cat - <(head -c 3132 /dev/zero) | npy endless.npy '<f4' '(1, 1, 28, 28)'
expect 3 "endless.npy: x: element 0 of sample 0 is inf, no finite number" "${predict[@]}" \
    --in endless.npy --out none.csv
expect 0 "64 predictions" "${predict[@]}" --in stored.npy --out stored.safetensors
! grep -q accuracy out || fail "an accuracy without labels"
same split.safetensors stored.safetensors || fail "uint8 is not what the data set stores"
expect 0 "64 predictions" "${predict[@]}" --in stored.npy --out wide.safetensors --dtype float64
grep -aqF '"probabilities":{"dtype":"F64","shape":[64,10]' wide.safetensors || fail "not float64"
# The layers of [data.*] apply to it.
sed 's/^\[model.pool\]/[data.dim]\nlayer = normalize(mean=0.5, std=0.25)\n\n&/' "$ini/small.ini" >dim.ini
dim=(predict dim.ini "$data" --weights "$weights")
expect 0 "64 predictions" "${dim[@]}" --in stored.npy --out dim.safetensors
expect 0 "accuracy" "${dim[@]}" --split test --out dimsplit.safetensors
same dim.safetensors dimsplit.safetensors || fail "[data.*] does not apply to uint8"
! same dim.safetensors split.safetensors || fail "[data.*] changes nothing"

# So they do to the same bytes as int64, and to floats: of black and white alone, 0 and 1.
gunzip -c toy/t10k-images-idx3-ubyte.gz | tail -c +17 | head -c 1568 >grey || true
od -An -v -tu1 -w1 grey | awk '{ print ($1 > 127 ? "white" : "black") }' >pixels
# as WHITE BLACK DESCR FILE: the pixels, of these bytes.
as() {
    local text
    text=$(sed "s/white/$1/; s/black/$2/; s/../\\\\x&/g" pixels | tr -d '\n')
    printf '%b' "$text" | npy "$4" "$3" '(2,1,28,28)'
}
as ff 00 '|u1' u1.npy
as ff00000000000000 0000000000000000 '<i8' i8.npy
as 0000803f 00000000 '<f4' f4.npy
for form in u1 i8 f4; do
    expect 0 "2 predictions" "${dim[@]}" --in $form.npy --out $form.csv
done
cmp u1.csv i8.csv || fail "int64 is not what bytes are"
cmp u1.csv f4.csv || fail "[data.*] does not apply to float32"
expect 0 "2 predictions" "${dim[@]}" --in f4.npy --out f4t.csv --transformed
! cmp -s f4.csv f4t.csv || fail "--transformed makes no difference"
as 00007f43 00000000 '<f4' undivided.npy
expect 3 "undivided.npy: x holds 255 (element" "${dim[@]}" --in undivided.npy --out x.csv
has err "numpy.astype('uint8')"
expect 3 "(--transformed) is float32 or float64" "${dim[@]}" --in u1.npy --transformed --out x.csv
expect 2 "--transformed: belongs to --in" "${dim[@]}" --split test --transformed --out x.csv
as 0001000000000000 0000000000000000 '<i8' big.npy
expect 3 "x holds 256 (element" "${dim[@]}" --in big.npy --out x.csv
as ff000000 00000000 '<i4' i4.npy
expect 3 "convert with numpy.astype('uint8')" "${dim[@]}" --in i4.npy --out x.csv

# A bundle's batch is what the model takes, with labels: grad's output, to the bit.
expect 6 "max_steps" train "$ini/small.ini" "$data" run.out=failed model.ode.max_steps=2
batch=failed/failure/batch.safetensors
expect 0 "loss" grad "$ini/small.ini" --weights $weights --batch $batch --out grad.safetensors
share=$(sed -n 's/^accuracy //p' out)
expect 0 "accuracy $(printf %.4f "$share")" "${predict[@]}" --in $batch --out p.safetensors \
    run.workers=1
cmp <(tensor grad.safetensors output) <(tensor p.safetensors output) || fail "not grad's output"
expect 0 "accuracy" "${dim[@]}" --in $batch --out d.safetensors run.workers=1 --transformed
cmp d.safetensors p.safetensors || fail "[data.*] applies to what is transformed already"
tensor $batch x | npy x.npy '<f4' '(32,1,28,28)'
expect 0 "32 predictions" "${predict[@]}" --in x.npy --out q.safetensors run.workers=1
same q.safetensors p.safetensors || fail "npy and safetensors differ"

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
expect 2 "must be train, validation or test" "${predict[@]}" --split both --out x.csv
expect 2 "must end in .safetensors or .csv" "${predict[@]}" --split test --out x.txt
expect 2 "must end in .npy or .safetensors: the data set idx reads no other files" "${predict[@]}" --in order --out x.csv
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
expect 3 "nan.npy: x: element 0 of sample 0 is nan, no finite number" "${predict[@]}" --in nan.npy \
    --out x.csv
[ ! -e x.csv ] || fail "a failure left a file"
