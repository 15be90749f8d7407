#!/usr/bin/env bash
# data.on_device: every command that takes samples of a split gives the same bytes either way.
. "$1/tests/support/cli.sh"
toy 96 32
tests=(--plugin-path "$build/test-plugins")
small=("$ini/small.ini" "data.path=$work/toy" run.workers=2)

# Training losses and weights; 96 + 32 samples of 784 + 1 bytes.
for where in yes no; do
    expect 0 "results in" train "${small[@]}" "data.on_device=$where" "run.out=$where"
    cp out "$where.out"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        { print $column["step"], $column["split"], $column["loss"] }' "$where/metrics.csv" \
        >"$where.losses"
done
has yes.out "samples on the device: 100,480 bytes"
! grep -q "on the device" no.out || fail "no is not heeded"
cmp yes.losses no.losses || fail "other losses"
cmp yes/weights.safetensors no/weights.safetensors || fail "other weights"

# auto: on a device with memory of its own, not on the processor, and not where it does not fit.
expect 0 "samples on the device: 100,480" "${tests[@]}" train "${small[@]}" "run.device=remote(late=yes)" run.out=remote
expect 0 "results in" train "${small[@]}" run.out=cpu
! grep -q "on the device" out || fail "auto copies within the processor's memory"

# Where they stay with the host they are read ahead, and the numbers are still the same.
for device in remote "remote(late=yes)"; do
    rm -rf ahead
    expect 0 "results in" "${tests[@]}" train "${small[@]}" "run.device=$device" data.on_device=no \
        run.out=ahead
    cmp remote/weights.safetensors ahead/weights.safetensors || fail "$device: other weights"
done

# What else takes a split.
weights=--weights=yes/weights.safetensors
for where in yes no; do
    expect 0 "test loss" eval "${small[@]}" "data.on_device=$where" $weights
    cp out "$where.eval"
    expect 0 "" predict "${small[@]}" "data.on_device=$where" $weights --split test --out "$where.csv"
    expect 0 "sample,t" solve "${small[@]}" "data.on_device=$where" $weights --split train
    cp out "$where.states"
done
cmp yes.eval no.eval || fail "eval: other losses"
cmp yes.csv no.csv || fail "predict: other outputs"
cmp yes.states no.states || fail "solve: other states"

# A sample that cannot be read: the same exit code and reason, and no folder of a run that never was.
cat >unreadable.ini <<'EOF'
[data]
dataset = numbered(unreadable=7)
shuffle = no
[model.head]
layer = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.1)
EOF
for where in yes no; do
    expect 3 "numbered: sample 7 is unreadable" "${tests[@]}" train unreadable.ini \
        "data.on_device=$where" "run.out=bad-$where"
done
[ ! -e bad-yes ] || fail "a run folder without a run"

# No room for it: 1024 samples of 784 float32 numbers and a label of 8 bytes in a megabyte.
expect 7 "data.on_device = yes: no room for samples of 3219456 bytes" "${tests[@]}" train \
    "$ini/small.ini" "data.dataset=drawn(shape=1 28 28, classes=10, length=1024)" \
    "run.device=remote(memory=1048576)" data.on_device=yes
