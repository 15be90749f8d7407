#!/usr/bin/env bash
# A run that is looked at while it goes on: its page, served and on the disk, readers that do what
# they like, a curve, event files. Nothing of it changes the weights or keeps the run from ending.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=100

expect 0 "results in" train "$@" run.epochs=2 run.out=plain

# begin FOLDER OPTIONS...: trains until it is interrupted; port and pid of it.
begin() {
    local folder=$1
    shift
    : >"$folder.err" # there is something to read before the shell has opened it
    "$odeon" train "$@" run.epochs=100000 run.log_every=10 "run.out=$folder" >"$folder.out" 2>"$folder.err" &
    pid=$!
    for _ in $(seq 200); do
        port=$(sed -n 's/^odeon: serve: the run.s page: http:\/\/127.0.0.1:\([0-9]*\)\/$/\1/p' "$folder.err")
        [ -z "$port" ] || return 0
        kill -0 "$pid" || break
        sleep 0.05
    done
    fail "nothing is served: $(cat "$folder.err")"
}

# ask BYTES: the first line of what is answered to them.
ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf "$1" >&3
    IFS= read -r -t 5 answer <&3 || answer=nothing
    answer=${answer%$'\r'}
    exec 3>&-
}

host="Host: 127.0.0.1:1\r\n\r\n"
begin live "$@" --serve 0 --report-every 1
ask "GET / HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 200 OK" ] || fail "/: $answer"
ask "GET /page HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 200 OK" ] || fail "/page: $answer"
ask "GET /effective.ini HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 404 Not Found" ] || fail "a file: $answer"
ask "GET /../live/metrics.csv HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 404 Not Found" ] || fail "a path: $answer"
ask "POST /page HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 405 Method Not Allowed" ] || fail "POST: $answer"
ask "GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"
[ "$answer" = "HTTP/1.1 403 Forbidden" ] || fail "another host: $answer"
ask "\001\002\003\r\n\r\n"
[ "$answer" = "HTTP/1.1 400 Bad Request" ] || fail "bytes: $answer"
ask "GET /$(printf 'a%.0s' $(seq 5000))"
[ "$answer" = "HTTP/1.1 431 Request Header Fields Too Large" ] || fail "too long: $answer"

# Readers who stop reading, or never say what they want, take the places that there are, and one
# more is refused. The run does not wait for any of them.
for fd in $(seq 10 25); do
    eval "exec $fd<>/dev/tcp/127.0.0.1/$port"
    [ "$fd" -gt 14 ] || printf "GET /events HTTP/1.1\r\n$host" >&"$fd"
done
sleep 0.6
exec 3<>"/dev/tcp/127.0.0.1/$port"
IFS= read -r -t 5 answer <&3 || answer=nothing
[ "${answer%$'\r'}" = "HTTP/1.1 503 Service Unavailable" ] || fail "the seventeenth: $answer"
exec 3>&-
before=$(wc -l <live/metrics.csv)
for _ in $(seq 100); do
    [ "$(wc -l <live/metrics.csv)" -gt "$((before + 2))" ] && break
    sleep 0.05
done
[ "$(wc -l <live/metrics.csv)" -gt "$((before + 2))" ] || fail "the run waits for its readers"
grep -q '<meta http-equiv="refresh" content="[15]">' live/report.html || fail "the page does not load itself again"
kill -INT "$pid"
answer=0
wait "$pid" || answer=$?
[ "$answer" -eq 130 ] || fail "exit code $answer after Ctrl-C: $(cat live.err)"
grep -q "report in $PWD/live/report.html\|report in live/report.html" live.out || fail "no last page: $(cat live.out)"
grep -q 'http-equiv="refresh"' live/report.html && fail "the last page loads itself again"
(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && fail "the server is there after the run"
for fd in $(seq 10 25); do eval "exec $fd>&-"; done

# The same weights with all of them, and the whole page at the end.
expect 0 "report in " train "$@" run.epochs=2 run.out=seen --report-every 1h --serve=0 --plot
cmp plain/weights.safetensors seen/weights.safetensors || fail "observers have changed the weights"
! grep -q "observers" seen/effective.ini || fail "options of the command are in the normal form"
grep -q "busy with the run" seen/report.html && fail "the last page lacks what the model computes"
tail -1 out | grep -q "report in " || fail "not the last line"

# Ports and times that are none; one that somebody has.
expect 2 "--serve 65536: is no port" train "$@" run.out=no --serve 65536
expect 2 "--report-every soon: is no time of up to a day" train "$@" run.out=no --report-every soon
begin other "$@" --serve 0
expect 5 "cannot listen on 127.0.0.1:$port: Address already in use; choose another port" \
    train "$@" run.out=no --serve "$port"
# The command's port stands in place of the configuration's.
expect 0 "results in" train "$@" run.epochs=1 run.out=beside "run.observers=csv, serve(port=$port)" --serve=0
kill -TERM "$pid"
wait "$pid" || true
[ ! -e no ] || fail "a run that cannot be served has left a folder"

# A page that is no file, and readers for whom there are no descriptors: the server answers the next
# and ends.
begin shut "$@" "run.observers=csv, serve(port=0, every=86400)"
for _ in $(seq 100); do
    [ -s shut/report.html ] && break
    sleep 0.05
done
rm shut/report.html
mkfifo shut/report.html
ask "GET /page HTTP/1.1\r\n$host"
ask "GET / HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 200 OK" ] || fail "/ behind a page that is a pipe: $answer"
prlimit --pid "$pid" --nofile="$(find /proc/"$pid"/fd -mindepth 1 | wc -l)":
exec 3<>"/dev/tcp/127.0.0.1/$port"
sleep 0.3
exec 3>&-
prlimit --pid "$pid" --nofile=1024:
ask "GET / HTTP/1.1\r\n$host"
[ "$answer" = "HTTP/1.1 200 OK" ] || fail "/ with descriptors again: $answer"
rm shut/report.html # the last page is a file again
kill -INT "$pid"
answer=0
wait "$pid" || answer=$?
[ "$answer" -eq 130 ] || fail "exit code $answer after Ctrl-C: $(cat shut.err)"

# A curve where there is no terminal only if it is wanted there.
expect 0 "results in" train "$@" run.epochs=2 run.out=quiet --plot
grep -q "loss: train" out && fail "a curve without a terminal"
expect 0 "loss: train" train "$@" run.epochs=2 run.out=forced "run.observers=terminal(force=yes, height=4)"
[ "$(grep -c '|' out)" -ge 4 ] || [ "$(grep -c '│' out)" -ge 4 ] || fail "not four lines of a curve"

# Marks are of the split that evaluations during training are of; the page has it, too.
expect 0 ", validation " train "$@" run.epochs=2 data.validation=0.25 run.out=validated \
    "run.observers=csv, terminal(force=yes, height=4)"
grep -q "loss: train .*, validation [^ ]* [0-9.]*, test [0-9.]*$" out || fail "no figure of each split"
grep -q "loss: train $(printf %.4g "$(awk -F , '$4 == "train" { x = $5 } END { print x }' validated/metrics.csv)")," out ||
    fail "another split is in the curve of training"
expect 0 "loss in" plot loss validated --out loss.csv
[ "$(grep -c '"validation [0-9.]*"' loss.csv)" -ge 2 ] || fail "no curve of the validation split"
expect 0 "results in" train "$@" run.iterations=1 run.out=one
expect 0 "loss in" plot loss one --out loss.csv
grep -q ',points,.*,"train",1,' loss.csv || fail "one row alone is not drawn"

# Event files: what a run that goes on writes is what one without interruption has, but for times.
tb=(run.checkpoint_seconds=0 run.observers=tensorboard)
events=events.out.tfevents.0.odeon
expect 0 "results in" train "$@" run.epochs=2 run.out=once "${tb[@]}"
cp -r once again
rm again/checkpoints/ckpt-6.safetensors
printf 'half a record' >>again/$events
expect 0 "on from step 3" train again --resume
[ "$(stat -c %s once/$events)" -eq "$(stat -c %s again/$events)" ] || fail "records of before and after the mark"
[ "$(head -c 12 once/$events | od -An -tx1 | tr -d ' \n')" = 1800000000000000a37f4b22 ] || fail "no version first"
rm again/checkpoints/ckpt-6.safetensors
truncate -s 50 again/$events
expect 3 "$events: is not as the run left it: it has 50 bytes" train again --resume
rm again/$events
expect 0 "on from step 3" train again --resume
expect 0 "is kept in again/earlier-1" train again --from-start
[ -e again/earlier-1/$events ] || fail "the event file was not set aside"

# Charts of what only the run, or its weights, know: shares add up to one in each panel.
expect 0 "times in" plot times plain --out times.svg
grep -q "optimizer" times.svg || fail "no part of the time is named"
cp plain/times.csv before.csv
expect 2 "times.csv" plot times plain --out plain/times.csv
cmp plain/times.csv before.csv || fail "a chart stands in place of a run's times"
[ "$(cut -d , -f 1 plain/times.csv | tr '\n' ' ')" = "part data forward backward update test save audit " ] ||
    fail "other parts: $(cat plain/times.csv)"
for kind in weights gradients; do
    expect 0 "$kind in" plot $kind plain --out $kind.csv
    sed 's/"[^"]*"//g' $kind.csv | awk -F , 'NR > 1 { share[$1] += $7; n++ } END {
        for (p in share) if ((share[p] - 1) ^ 2 > 1e-10) exit 1
        exit !(n >= 4 * 40)
    }' || fail "$kind: $(head -3 $kind.csv)"
done
cmp -s weights.csv gradients.csv && fail "gradients are the weights"
expect 3 "the run has no [audit]" plot gradient_error plain --out e.svg
