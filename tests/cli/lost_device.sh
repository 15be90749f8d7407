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

# lose DEVICE WORKERS: at every sixth of the launches of a run, and at its first.
lose() {
    local given=("run.device=$1" "run.workers=$2") all n k
    expect 0 "results in" "${tests[@]}" "${train[@]}" "${given[@]}" run.out=whole
    all=$(count whole/metrics.csv)
    [ "$all" -gt 100 ] || fail "$1: only $all launches are counted"
    ODEON_REMOTE_FAILS=1 expect 7 "the device is lost" "${tests[@]}" "${train[@]}" "${given[@]}" \
        run.out=none
    [ ! -e none ] || fail "a run that never began leaves a folder"
    for k in $(seq 6); do
        n=$((all * k / 6))
        ODEON_REMOTE_FAILS=$n expect 7 "the device is lost (launch $n); kept: the state after step " \
            "${tests[@]}" "${train[@]}" "${given[@]}" run.out=lost
        again
        cmp whole/weights.safetensors lost/weights.safetensors || fail "$1: other bits ($n)"
        expect 0 "equal but for times" diff whole lost
        rm -r lost
    done
    rm -r whole
}

# The state that the error names is there, and the command that it ends with goes on from it.
again() {
    local line file
    line=$(tail -n 1 err)
    file=$(sed -E 's/.*kept: the state after step [0-9]+ of 6, ([^;]*); to go on.*/\1/' <<<"$line")
    [ -e "$file" ] || fail "there is no $file"
    sh -c "${line##*; to go on*: }" >out 2>err || fail "cannot go on: $line"
}

lose remote 1
lose 'remote(late=yes)' 1
lose 'remote(late=yes)' 2

# Steps that were saved are not lost.
expect 0 "results in" "${tests[@]}" "${train[@]}" run.device=remote run.checkpoint_every=1 run.out=whole
n=$(count whole/metrics.csv)
ODEON_REMOTE_FAILS=$n expect 7 "kept: the state after step 6 of 6, $work/lost/checkpoints/ckpt-6" "${tests[@]}" \
    "${train[@]}" run.device=remote run.checkpoint_every=1 run.out=lost

# The host side of the device cuda on functions that stand for CUDA's: calls that fail.
[ -e "$build/test-plugins/device/mocked.so" ] || { cat "$build/not_covered" && exit 0; }
rm -r whole lost
train+=(run.device=mocked)
for obstacle in "ODEON_MOCKED_DRIVER=0|this machine has no NVIDIA driver" \
    "ODEON_MOCKED_DRIVER=11080|install a newer driver" \
    "ODEON_MOCKED_CARDS=0|finds no GPU that this process may use" \
    "ODEON_MOCKED_BUSY=1|busy or unavailable" \
    "ODEON_MOCKED_NO_CODE=1|-DODEON_CUDA_ARCHITECTURES=90" \
    "ODEON_MOCKED_MEMORY=4096|no memory on the GPU: 4 KiB of 4 KiB are free"; do
    export "${obstacle%%|*}"
    expect 7 "${obstacle#*|}" "${tests[@]}" "${train[@]}" run.out=none
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line"
    unset "${obstacle%%=*}"
    [ ! -e none ] || fail "something ran: $obstacle"
done

# fall NAME TEXT N...: with NAME=N the run fails, or comes to its end; a run that had begun goes on.
fall() {
    local name=$1 text=$2 begun=0 n
    shift 2
    for n; do
        export "$name=$n"
        if "$odeon" "${tests[@]}" "${train[@]}" run.out=lost >out 2>err; then
            unset "$name"
        else
            unset "$name"
            grep -q "^odeon: error: .*$text" err || fail "$name=$n: no '$text'"
            [ "$(wc -l <err)" -eq 1 ] || fail "$name=$n: more than one line"
            if [ -e lost ]; then
                again
                begun=$((begun + 1))
            fi
        fi
        [ ! -e lost ] || cmp whole/weights.safetensors lost/weights.safetensors || fail "$name=$n: other bits"
        rm -rf lost
    done
    [ "$begun" -ge 2 ] || fail "$name: only $begun runs had begun"
}
expect 0 "results in" "${tests[@]}" "${train[@]}" run.out=whole
fall ODEON_MOCKED_LOST "the GPU's context is lost: " 1000 2000 4000 8000
fall ODEON_MOCKED_MEMORY " are free, this run holds " \
    $(seq 34000000 400000 37000000)
