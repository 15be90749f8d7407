#!/usr/bin/env bash
# Started with standard streams closed, no file of a run takes their place: what is printed is lost,
# which is said by the exit code where it was a result.
. "$1/tests/support/cli.sh"
toy 64 32
data="data.dataset=idx(path=$work/toy)"
set -- train "$ini/small.ini" "$data" run.iterations=4 run.log_every=1 run.workers=1 \
    run.on_failure=skip --plugin-path "$build/test-plugins" \
    "model.pool.then=flatten, faulty(status=nan, call=3, train_only=yes)" # which warns
expect 0 "results in" "$@" run.out=whole
has err "warning: step 3 is skipped"

# run CODE NAME: what follows on stdin closes streams and begins with the program and "$@".
run() {
    local answer=0 code=$1 name=$2
    shift 2
    (eval "$closing"; exec "$odeon" "$@" "run.out=$name") || answer=$?
    [ "$answer" -eq "$code" ] || fail "$closing: exit code $answer, expected $code"
}

# sound NAME: its files hold what belongs there and nothing else.
sound() {
    [ ! -s "$1/lock" ] || fail "$closing: something is written in lock: $(head -c 100 "$1/lock")"
    for file in metrics.csv metrics.jsonl; do
        [ "$(wc -l <"$1/$file")" -eq "$(wc -l <"whole/$file")" ] || fail "$closing: lines in $file"
    done
    awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' "$1/metrics.csv" || fail "$closing: metrics.csv"
    for file in weights weights-best; do
        cmp "whole/$file.safetensors" "$1/$file.safetensors" || fail "$closing: other $file"
    done
    [ "$(tail -c 1 "$1/manifest.json" | od -An -tx1)" = " 0a" ] || fail "$closing: manifest.json"
    expect 0 "nothing is left to do" train "$1" --resume --plugin-path "$build/test-plugins"
}

# Without stdout the results are there, but their summary is lost: exit code 5.
n=0
while IFS='|' read -r code closing; do
    n=$((n + 1))
    run "$code" "run-$n" "$@" 2>/dev/null >/dev/null
    sound "run-$n"
done <<'END'
0|exec <&-
5|exec >&-
0|exec 2>&-
5|exec <&- >&-
0|exec <&- 2>&-
5|exec >&- 2>&-
5|exec <&- >&- 2>&-
END

# Commands whose result goes to a file that is named, and to stdout.
expect 0 "" solve "$source/conf/lane_emden.ini" --out whole.csv
closing="exec <&- >&- 2>&-"
answer=0
(eval "$closing"; exec "$odeon" solve "$source/conf/lane_emden.ini" --out closed.csv) || answer=$?
cmp whole.csv closed.csv || fail "solve: something else is in the file"
answer=0
"$odeon" check "$ini/small.ini" >&- 2>err || answer=$?
[ "$answer" -eq 5 ] || fail "check without stdout: exit code $answer, expected 5"
has err "standard output could not be written"

# They stand for nothing: what was closed can neither be read nor written.
"$odeon" train "$ini/small.ini" "$data" run.epochs=100000 run.out=open >&- 2>&- <&- &
child=$!
for _ in $(seq 600); do
    [ ! -s open/metrics.csv ] || break
    sleep 0.1
done
for fd in 0 1 2; do
    [ "$(readlink "/proc/$child/fd/$fd")" = /dev/null ] || fail "$fd is $(readlink "/proc/$child/fd/$fd")"
done
kill -s TERM "$child"
wait "$child" || [ $? -eq 143 ] || fail "not stopped"
