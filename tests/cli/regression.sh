#!/usr/bin/env bash
# Numbers in place of classes through all commands: train, eval, predict, grad, resume, replay, diff.
. "$1/tests/support/cli.sh"
plugins="--plugin-path $build/test-plugins"
set -- "$ini/regression.ini" $plugins

# It learns, and says so without any accuracy.
expect 0 "results in" train "$@" run.epochs=20 run.out=whole
tail -n 3 out | head -n 1 | grep -qE '^test loss [0-9]\.[0-9]{3}' || fail "no test loss"
tail -n 2 out | head -n 1 | grep -qE '^test mae [0-9]\.[0-9]{3}' || fail "no metric"
! grep -q accuracy out || fail "an accuracy of numbers"
first=$(grep -m 1 ',test,' whole/metrics.csv | cut -d, -f5)
last=$(grep ',test,' whole/metrics.csv | tail -n 1 | cut -d, -f5)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a / 10) }' || fail "loss $first, then $last"
head -n 1 whole/metrics.csv | grep -q '^step,epoch,seconds,split,loss,mae,lr,' || fail "columns"
mae=$(sed -n 's/^test mae //p' out)

# The best weights are those of the least test loss.
least=$(grep ',test,' whole/metrics.csv | sort -t, -g -k5 | head -n 1 | cut -d, -f5)
expect 0 "test mae" eval "$@" --weights whole/weights-best.safetensors run.dtype=float32
awk -v a="$(sed -n 's/^test loss //p' out)" -v b="$least" \
    'BEGIN { exit !(a - b < 1e-3 * b && b - a < 1e-3 * b) }' || fail "not the best weights: $least"
expect 0 "test mae $mae" eval "$@" --weights whole/weights.safetensors

# Several losses have a column each.
expect 0 "test loss_l1 " train "$@" "train.loss=mse, l1(weight=0.5)" run.out=both
head -n 1 both/metrics.csv | grep -q ',split,loss,loss_mse,loss_l1,mae,lr,' || fail "columns"
has both/effective.ini "loss = mse(weight=1), l1(weight=0.5)"
awk -F, 'NR > 1 { d = $5 - $6 - $7; if (d > 1e-6 || d < -1e-6) exit 1 }' both/metrics.csv ||
    fail "losses do not add up"

# Interrupted and gone on.
expect 0 "results in" train "$@" run.iterations=31 run.checkpoint_every=10 run.out=cut
rm cut/checkpoints/ckpt-31.safetensors # in the midst of an epoch
sed -i 's/^iterations = .*/epochs = 20/' cut/effective.ini
expect 0 "on from step 30" train cut --resume $plugins
cmp whole/weights.safetensors cut/weights.safetensors || fail "other bits after a resumption"
expect 0 "equal but for times" diff whole cut

# Predictions are the outputs alone.
expect 0 "64 predictions in out.csv" predict "$@" --weights whole/weights.safetensors --split test \
    --out out.csv
! grep -q accuracy out || fail "an accuracy of predicted numbers"
[ "$(head -n 1 out.csv)" = row,true0,true1,true2,y0,y1,y2 ] || fail "the heading is $(head -n 1 out.csv)"
[ "$(wc -l <out.csv)" -eq 65 ] || fail "not a line a sample"
expect 0 "64 predictions" predict "$@" --weights whole/weights.safetensors --split test \
    --out out.safetensors
head -c 300 out.safetensors | grep -aqF '"output":{"dtype":"F32","shape":[64,3]' || fail "shape"

# A failed step is kept with its labels and masks, fails again, and its batch can be differentiated.
expect 6 "max_steps reached" train "$@" run.out=failed model.ode.max_steps=2 model.ode.rtol=1e-9
has failed/failure/message.txt "max_steps"
for tensor in '"x":{"dtype":"F32","shape":\[16,3\]' '"y":{"dtype":"F32","shape":\[16,3\]' \
    '"mask":{"dtype":"F32","shape":\[16,3\]' '"indices":{"dtype":"I64","shape":\[16\]'; do
    head -c 1000 failed/failure/batch.safetensors | grep -aq "$tensor" || fail "no $tensor"
done
expect 6 "$(cat failed/failure/message.txt)" replay failed/failure $plugins --out again
for file in batch.safetensors weights.safetensors message.txt; do
    cmp "failed/failure/$file" "again/$file" || fail "replay leaves another $file"
done
expect 0 "mae " replay failed/failure $plugins model.ode.max_steps=1000
loss=$(sed -n 's/^loss //p' out)
expect 0 "mae " grad "$@" --batch failed/failure/batch.safetensors --out grad.safetensors \
    model.ode.rtol=1e-9
[ "$(sed -n 's/^loss //p' out)" = "$loss" ] || fail "grad: $(cat out), replay: loss $loss"

# What does not fit is refused before a run begins.
expect 2 "the network makes [2] of a sample, but the data set's labels are [3]" train "$@" \
    model.out.units=2 run.out=none
expect 2 "labels are not classes" train "$@" train.loss=cross_entropy data.mask=none run.out=none
expect 2 "cross_entropy: the data set's labels are not classes" check "$@" train.loss=cross_entropy
expect 2 "there is no such size here" check "$@" model.out.units=classes
[ ! -e none ] || fail "a run that cannot be has left a folder"
