#!/usr/bin/env bash
# Signals: training stops after the batch, saves, says where, and exits with 130 or 143.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"

# start FOLDER: trains for as long as it is let, with its id in $child, and waits for its first row.
start() {
    "$odeon" train "$ini/small.ini" "$data" run.epochs=1000000 run.log_every=1 run.out="$1" \
        >out 2>err </dev/null &
    child=$!
    for _ in $(seq 600); do
        [ ! -s "$1/metrics.csv" ] || return 0
        sleep 0.1
    done
    fail "training has not begun after a minute"
}

for pair in INT:130 TERM:143; do
    signal=${pair%:*}
    start "$signal"
    kill -s "$signal" "$child"
    answer=0
    wait "$child" || answer=$?
    [ "$answer" -eq "${pair#*:}" ] || fail "SIG$signal: exit code $answer, expected ${pair#*:}"
    has err "odeon: stopped by SIG$signal after step "
    has err "weights in "
    has err "; to go on: $odeon train $work/$signal --resume"
    expect 0 "test accuracy" eval "$ini/small.ini" "$data" \
        --weights "$signal/weights.safetensors"
done
