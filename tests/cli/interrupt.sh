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

# ended CODE: the child ends with CODE within five seconds of now.
ended() {
    local answer=0 begun=$SECONDS
    wait "$child" || answer=$?
    [ "$answer" -eq "$1" ] || fail "exit code $answer, expected $1"
    [ $((SECONDS - begun)) -le 5 ] || fail "took $((SECONDS - begun)) seconds to end"
}

for pair in INT:130 TERM:143; do
    signal=${pair%:*}
    start "$signal"
    kill -s "$signal" "$child"
    ended "${pair#*:}"
    has err "odeon: stopped by SIG$signal after step "
    has err "weights in "
    has err "; to go on: $odeon train $work/$signal --resume"
    step=$(sed -n 's/.*after step \([0-9]*\) of.*/\1/p' err)
    [ -e "$signal/checkpoints/ckpt-$step.safetensors" ] || fail "no checkpoint of step $step"
    expect 0 "test accuracy" eval "$ini/small.ini" "$data" \
        --weights "$signal/weights.safetensors"
    # The command that was printed goes on, with the rows that were there and no other.
    cp "$signal/metrics.csv" before.csv
    "$odeon" train "$work/$signal" --resume run.iterations=$((step + 5)) >out 2>err ||
        fail "the run does not go on"
    has out "on from step $step"
    head -n "$(wc -l <before.csv)" "$signal/metrics.csv" | cmp - before.csv || fail "rows have changed"
    [ "$(grep -c ',train,' "$signal/metrics.csv")" -eq $((step + 5)) ] || fail "not a row a step"
done

# timeout sends its signal to the process and to its group: one wish, not two.
answer=0
timeout -s INT 2 "$odeon" train "$ini/small.ini" "$data" run.epochs=1000000 run.out=group \
    run.log_every=1000000 >out 2>err || answer=$?
[ "$answer" -eq 124 ] || fail "timeout: exit code $answer, expected 124"
has err "odeon: stopped by SIGINT after step "

# A name that the shell would take apart is quoted in the command.
start "it's here"
kill -s INT "$child"
ended 130
step=$(sed -n 's/.*after step \([0-9]*\) of.*/\1/p' err)
command=$(sed -n 's/.*; to go on: //p' err)
eval "$command run.iterations=$((step + 1))" >out 2>err || fail "does not go on: $command"
has out "it's here, on from step $step"
