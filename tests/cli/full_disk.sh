#!/usr/bin/env bash
# Wherever the disk is full: exit code 5, one line that says what could not be written, no half
# written file, and a run that goes on to the same bits once there is room.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" run.epochs=2 run.checkpoint_every=3 run.workers=1
expect 0 "results in" train "$@" run.out=whole
checkpoint=$(stat -c %s whole/checkpoints/ckpt-16.safetensors)
manifest=$(stat -c %s whole/manifest.json)

# try LIMIT ARGUMENTS...: trains with files of at most LIMIT bytes.
try() {
    local limit=$1 answer=0
    shift
    # through a pipe, since the limit would cut err as well
    prlimit --fsize="$limit" "$odeon" train "$@" 2>&1 >/dev/null </dev/null | cat >err || answer=$?
    [ "$answer" -eq 5 ] || fail "files of $limit bytes: exit code $answer, expected 5"
    [ "$(grep -c '^odeon: error: ' err)" -eq 1 ] || fail "files of $limit bytes: not one error"
    grep -q '^odeon: error: .*File too large' err || fail "files of $limit bytes: no reason"
}

# Every file of a run in turn is the first that has no room. Checkpoints differ by the digits of the
# seconds in them: 100 bytes less than one has room for none.
mkdir trial
for limit in 0 100 800 $((manifest - 1)) 6000 $((checkpoint / 3 + 200)) $((checkpoint - 100)); do
    rm -rf trial
    try "$limit" "$@" run.out=trial
    [ -z "$(find trial -name '*.tmp' 2>/dev/null)" ] || fail "files of $limit bytes: litter"
    if [ -e trial/effective.ini ]; then
        expect 0 "on from step 0" train trial --resume
    else
        [ ! -e trial ] || fail "files of $limit bytes: a folder without a run is left"
        expect 0 "results in" train "$@" run.out=trial
    fi
    cmp whole/weights.safetensors trial/weights.safetensors || fail "$limit: other bits"
done

# A checkpoint that is there stays whole.
rm -rf trial
expect 0 "results in" train "${@/run.epochs=2/run.iterations=6}" run.out=trial
cp trial/checkpoints/ckpt-6.safetensors before
for limit in 100 6000 $((checkpoint / 2)) $((checkpoint - 100)); do
    try "$limit" trial --resume run.iterations=16
    cmp before trial/checkpoints/ckpt-6.safetensors || fail "the earlier checkpoint has changed"
    [ "$(ls trial/checkpoints)" = "$(printf 'ckpt-3.safetensors\nckpt-6.safetensors')" ] ||
        fail "files of $limit bytes: checkpoints are $(ls trial/checkpoints)"
done
expect 0 "on from step 6" train trial --resume run.iterations=16
cmp whole/weights.safetensors trial/weights.safetensors || fail "other bits"

# Metrics that cannot be written do not stop a run, but it tells of them.
rm -rf trial
answer=0
prlimit --fsize=$((checkpoint + 10)) "$odeon" train "$@" run.epochs=30 run.checkpoint_every=0 \
    run.out=trial >out 2>err || answer=$?
[ "$answer" -eq 5 ] || fail "metrics without room: exit code $answer, expected 5"
has out "results in $work/trial"
has err "warning: $work/trial/metrics.jsonl: cannot write: File too large; the run goes on"
has err "error: $work/trial/metrics.csv: could not be written to its end: File too large"
