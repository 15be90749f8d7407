#!/usr/bin/env bash
# Signals: training stops after the batch, saves, says where, and exits with 129, 130 or 143; where
# the batch does not end, the process does, and says what is kept.

# Behind nohup SIGHUP is ignored, by programs that this one starts as well: no shell takes that back.
if [ -n "$(trap -p HUP INT)" ]; then
    exec env --default-signal=HUP,INT bash "$0" "$@"
fi
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

# stuck NAME WORKERS STATUS RANK: begins a run whose step 9, after an epoch of 8, never ends. Its id
# goes to NAME.pid; how it ends, and the second when, to NAME.end. At the lowest priority, as it and
# what follows here run side by side.
stuck() {
    {
        nice -n 19 "$odeon" train "$ini/small.ini" "$data" run.epochs=3 run.out="$1" run.workers="$2" \
            run.checkpoint_seconds=0 --plugin-path "$build/test-plugins" \
            "model.pool.then=flatten, faulty(status=$3, rank=$4, call=9, train_only=yes)" \
            >"$1.out" 2>"$1.err" </dev/null &
        echo $! >"$1.pid"
        answer=0
        wait $! || answer=$?
        echo "$answer $SECONDS" >"$1.end"
    } &
    helpers+=($!)
}

# One thread spins, with or without another that waits for it in a collective, or is blocked in a
# system call: five seconds after the signal it is over, which is looked at in the end.
helpers=()
stuck spins 1 spins 0
stuck waits 2 spins 1
stuck reads 1 reads 0
stuck twice 2 reads 1
for name in spins waits reads twice; do
    for _ in $(seq 600); do
        [ ! -e "$name/checkpoints/ckpt-8.safetensors" ] || break
        sleep 0.1
    done
    [ -e "$name/checkpoints/ckpt-8.safetensors" ] || fail "$name: no epoch has come to its end"
done
sleep 0.3 # for step 9 to begin; if it has not, the run stops before it, which shows below
begun=$SECONDS
kill -s TERM "$(cat spins.pid)"
kill -s INT "$(cat waits.pid)"
kill -s HUP "$(cat reads.pid)"
kill -s INT "$(cat twice.pid)"
sleep 0.5
kill -s TERM "$(cat twice.pid)"

for pair in INT:130 TERM:143 HUP:129; do
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

# nohup: a lost terminal changes nothing.
nohup "$odeon" train "$ini/small.ini" "$data" run.iterations=300 run.log_every=1 run.out=nohup \
    >out 2>err </dev/null &
child=$!
for _ in $(seq 600); do
    [ ! -s nohup/metrics.csv ] || break
    sleep 0.1
done
kill -s HUP "$child"
wait "$child" || fail "nohup: exit code $?"
has out "results in $work/nohup"

# In the same folder: the bits of a run that was never interrupted.
expect 0 "results in" train "$ini/small.ini" "$data" run.epochs=40 run.workers=1 run.out=whole
"$odeon" train "$ini/small.ini" "$data" run.epochs=40 run.workers=1 run.out=cut >out 2>err </dev/null &
child=$!
sleep 0.1
kill -s HUP "$child" 2>/dev/null || true
wait "$child" || true
if [ -e cut/effective.ini ]; then # else it was hit before there was a run
    expect 0 "results in" train cut --resume
    for file in weights weights-best; do
        cmp "whole/$file.safetensors" "cut/$file.safetensors" || fail "other bits in $file"
    done
fi

# over NAME CODE SECONDS TEXT: of a stuck run, how it ended and after how many seconds at most.
over() {
    local answer second
    read -r answer second <"$1.end"
    [ "$answer" -eq "$2" ] || fail "$1: exit code $answer, expected $2: $(cat "$1.err")"
    [ $((second - begun)) -le "$3" ] || fail "$1: it took $((second - begun)) seconds to end"
    [ "$(wc -l <"$1.err")" -eq 1 ] || fail "$1: not one line: $(cat "$1.err")"
    has "$1.err" "odeon: ended by $4; kept: the state after step 8 of 24, \
$work/$1/checkpoints/ckpt-8.safetensors; to go on: $odeon train $work/$1 --resume"
}
wait "${helpers[@]}"
over twice 143 3 "a second SIGTERM"
over spins 143 8 "SIGTERM: what was under way took too long"
over waits 130 8 "SIGINT: what was under way took too long"
over reads 129 8 "SIGHUP: what was under way took too long"
for file in weights.safetensors weights-best.safetensors checkpoints/ckpt-8.safetensors; do
    [ -s "spins/$file" ] || fail "$file is not kept"
done
