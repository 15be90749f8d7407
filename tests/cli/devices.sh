#!/usr/bin/env bash
# The same INI on one device after another by override alone: the same losses within rounding. The
# kernels of the device cuda train here on the host (emulated), and its host side on functions that
# stand for CUDA's (mocked), which needs CUDA's headers; another (plain) has its own product of
# matrices and the rest of the device cpu.
. "$1/tests/support/cli.sh"
toy 96 32
tests=(--plugin-path "$build/test-plugins")
devices=(cpu reference remote emulated plain)
if [ -e "$build/test-plugins/device/mocked.so" ]; then
    devices+=(mocked)
fi

# A convolutional field with norms, and batch norm, pooling and dropout around it.
cat >images.ini <<END
[run]
name = images
workers = 2
[data]
dataset = idx(path=$work/toy)
batch = 48
test_batch = 32
[data.crop]
layer = random_crop(size=28, padding=2)
[model.down]
layer = conv2d(filters=4, kernel=4, stride=4)
then = batchnorm, relu, maxpool(kernel=2), dropout(p=0.25)
[model.ode]
layer = ode(span=0 1, rtol=1e-3, atol=1e-3)
integrator = dopri5
gradient = direct
[model.ode.field]
layer = groupnorm(groups=2)
then = tanh, conv2d(filters=4, kernel=3, padding=1)
[model.head]
layer = globalavgpool
then = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.1, momentum=0.9)
END

# same INI OVERRIDES...: training and test losses of all devices agree to six digits in float64.
same() {
    local device
    for device in "${devices[@]}"; do
        expect 0 "results in" "${tests[@]}" train "$@" run.dtype=float64 run.epochs=1 \
            run.log_every=1 "run.device=$device" "run.out=$device"
        awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
            { printf "%s %s %.6g\n", $column["step"], $column["split"], $column["loss"] }' \
            "$device/metrics.csv" >"$device.losses"
        diff cpu.losses "$device.losses" >difference || fail "$device: $(head -n 4 difference)"
        rm -rf "$device"
    done
    [ "$(wc -l <cpu.losses)" -ge 3 ] || fail "too few losses: $(cat cpu.losses)"
    rm ./*.losses
}
same images.ini
same "$ini/small.ini" "data.path=$work/toy" model.ode.gradient=adjoint

# The manifest describes the device itself, not its base.
expect 0 "results in" "${tests[@]}" train "$ini/small.ini" "data.path=$work/toy" run.epochs=1 \
    run.device=plain run.out=named
has named/manifest.json "plain: three loops, the rest as cpu"

# Operators of a base would follow foreign queues and addresses where memory is not its, too.
expect 4 "device apart: memory and queues are its own, so that family move cannot be that of its base" \
    "${tests[@]}" train "$ini/small.ini" "data.path=$work/toy" run.device=apart run.out=apart
