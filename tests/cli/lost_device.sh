#!/usr/bin/env bash
# A device that is lost, at whatever launch: one line, exit code 7, and the run goes on to the same
# bits from what the host still had.
. "$1/tests/support/cli.sh"
toy 96 32
tests=(--plugin-path "$build/test-plugins")
train=(train "$ini/small.ini" "data.dataset=idx(path=$work/toy)" data.batch=48 run.epochs=3 run.workers=1)

# count FILE: all launches that the rows tell of.
count() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "nlaunch") column = i }
             NR > 1 { sum += $column } END { print sum }' "$1"
}

# lose DEVICE: at every sixth of the launches of a run, and at its first.
lose() {
    local device=$1 all n k
    expect 0 "results in" "${tests[@]}" "${train[@]}" "run.device=$device" run.out=whole
    all=$(count whole/metrics.csv)
    [ "$all" -gt 100 ] || fail "$device: only $all launches are counted"
    ODEON_REMOTE_FAILS=1 expect 7 "the device is lost" "${tests[@]}" "${train[@]}" \
        "run.device=$device" run.out=none
    [ ! -e none ] || fail "a run that never began leaves a folder"
    for k in $(seq 6); do
        n=$((all * k / 6))
        ODEON_REMOTE_FAILS=$n expect 7 "the device is lost (launch $n); kept: the state after step " \
            "${tests[@]}" "${train[@]}" "run.device=$device" run.out=lost
        again
        cmp whole/weights.safetensors lost/weights.safetensors || fail "$device: other bits ($n)"
        expect 0 "equal but for times" diff whole lost
        rm -r lost
    done
    rm -r whole
}

# The state that the error names is there, and the command that it ends with goes on from it.
again() {
    local line file
    line=$(tail -n 1 err)
    file=$(sed -E 's/.*kept: the state after step [0-9]+ of 6, ([^;]*); to go on: .*/\1/' <<<"$line")
    [ -e "$file" ] || fail "there is no $file"
    sh -c "${line##*to go on: }" >out 2>err || fail "cannot go on: $line"
}

lose remote
lose 'remote(late=yes)'

# Steps that were saved are not lost.
expect 0 "results in" "${tests[@]}" "${train[@]}" run.device=remote run.checkpoint_every=1 run.out=whole
n=$(count whole/metrics.csv)
ODEON_REMOTE_FAILS=$n expect 7 "kept: the state after step 6 of 6, $work/lost/checkpoints/ckpt-6" "${tests[@]}" \
    "${train[@]}" run.device=remote run.checkpoint_every=1 run.out=lost
