#!/usr/bin/env bash
# run.device=auto: the usable device of highest rank, which everything that the run leaves names; why
# better ones are not it is said.
. "$1/tests/support/cli.sh"
toy 64 32
data="data.dataset=idx(path=$work/toy)"
train=(train "$ini/small.ini" "$data" run.device=auto)

# Which one it is depends on the machine; what is not usable here may be somewhere else.
expect 0 "(run.device = auto)" check "${train[@]:1}"
expect 0 "(run.device = auto)" "${train[@]}" run.out=run
id=$(sed -nE 's/^float32 on ([a-z0-9_]+): .* \(run\.device = auto\), .*/\1/p' out)
expect 0 "the usable device of highest rank, here $id" inspect device auto
grep -qE "^  [0-9]+ +$id +" out || fail "$id is not listed"
! grep -q " $id *not usable" out || fail "$id was taken and is not usable"
expect 0 "\"auto\": \"$id\"" inspect device auto --json
expect 0 "inspect device auto" inspect run

# The run names it, so that neither going on nor a repetition can come to be elsewhere.
grep -q "^device = $id(" run/effective.ini || fail "effective.ini does not name $id"
has run/manifest.json "\"device\": \"$id: "
has run/manifest.json "\"device_options\": \"$id("
has run/manifest.json '"device_auto": true,'
expect 0 "on from step 2" train run --resume run.epochs=2
! grep -q 'warning' err || fail "a run that auto began goes on with a warning"
! grep -q 'run.device = auto' out || fail "a run that goes on chooses again"
expect 0 "results in" train "$ini/small.ini" "$data" "run.device=$id" run.epochs=2 run.out=named
expect 0 "equal but for times" diff run named
has named/manifest.json '"device_auto": false,'

expect 2 "auto takes no options" check "${train[@]:1}" 'run.device=auto(blas=own)'

# A plugin that cannot be loaded is told and passed over; where nothing is left, nothing runs.
mkdir -p mine/device
echo "no shared object" >mine/device/broken.so
expect 0 "results in" --plugin-path mine "${train[@]}" run.out=passed
has err "odeon: run.device = auto: not broken: "
expect 0 "not usable: " --plugin-path mine inspect device auto
has out "broken.so"
mkdir -p host/bin host/lib/odeon
cp "$odeon" host/bin
cp "$build/libodeon.so.0" host/lib # it looks for plugins beside itself
cp -r mine host/lib/odeon/plugins
(
    odeon=host/bin/odeon
    export LD_LIBRARY_PATH=$work/host/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    expect 7 "run.device = auto: no device is usable: " check "${train[@]:1}"
    expect 0 "here none" inspect device auto
)

# The host side of the device cuda on functions that stand for CUDA's, with a driver and without.
if [ -e "$build/test-plugins/device/mocked.so" ]; then
    tests=(--plugin-path "$build/test-plugins")
    expect 0 "float32 on mocked: " "${tests[@]}" "${train[@]}" run.out=card
    grep -q '^device = mocked(card=0, math=ieee32' card/effective.ini || fail "another device"
    expect 0 "results in" "${tests[@]}" "${train[@]}" \
        'run.device=mocked(math=tf32, blas=own, convolution=own)' run.out=tf32
    has tf32/manifest.json '"device_options": "mocked(card=0, math=tf32, '
    export ODEON_MOCKED_FAILS=1
    expect 0 "here cpu" "${tests[@]}" inspect device auto
    expect 0 "float32 on cpu: " "${tests[@]}" "${train[@]}" run.out=no_card
    has err "odeon: run.device = auto: not mocked: cuda: no device: "
    [ "$(grep -c '"name": "mocked"' no_card/manifest.json)" -eq 0 ] || fail "not in use, but listed"
fi
