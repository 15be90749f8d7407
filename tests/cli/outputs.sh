#!/usr/bin/env bash
# Files that the user names stay what they are: links, pipes, devices, modes and owners; and none
# that a command reads is written over.
. "$1/tests/support/cli.sh"

cat >decay.ini <<'INI'
[run]
dtype = float64
[model.ode]
layer = ode(times=0 0.5 1, initial=1)
integrator = rk4
steps = 4
gradient = direct
[model.ode.f]
layer = formula(equations=y' = -y)
INI
expect 0 "sample,t,y0" solve decay.ini
cp out states
expect 0 "evaluations" solve decay.ini --out plain.csv
cmp plain.csv states || fail "a file has other states"

# "-" is standard output, and then nothing else is.
for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
    "$odeon" solve decay.ini --out $name >out 2>err || fail "--out $name: exit code $?"
    cmp out states || fail "--out $name: other states, or more than these"
    has err "ode: evaluations "
done
"$odeon" solve decay.ini --out /dev/stdout 2>err | cmp - states || fail "/dev/stdout, a pipe"
{ echo before; "$odeon" solve decay.ini --out /dev/stdout 2>err; echo after; } >both
{ echo before; cat states; echo after; } | cmp - both || fail "/dev/stdout is not written where it stands"
"$odeon" solve decay.ini --out /dev/fd/7 7>seven >out || fail "--out /dev/fd/7"
cmp seven states || fail "a descriptor has other states"
has out "ode: evaluations "
ln -s /dev/fd/7 to_seven
"$odeon" solve decay.ini --out to_seven 7>seven >out && cmp seven states || fail "a link to a descriptor"
expect 5 "/dev/fd/9: this descriptor cannot be written to" solve decay.ini --out /dev/fd/9
answer=0
"$odeon" solve decay.ini --out /dev/fd/7 7<states 2>err || answer=$?
[ $answer -eq 5 ] || fail "a descriptor to read from: exit code $answer"
has err "is open for reading alone"
"$odeon" solve decay.ini --out >(cat >substituted; : >read) >out || fail "--out >(command)"
for ((i = 0; i < 100; i++)); do [ -e read ] || sleep 0.1; done
cmp substituted states || fail "a process substitution has other states"

# A FIFO stays one, whoever comes first.
mkfifo pipe
"$odeon" solve decay.ini --out pipe >out 2>err &
writer=$!
timeout 60 cat pipe >got
wait $writer || fail "--out pipe: exit code $?"
cmp got states || fail "a FIFO's reader has other states"
[ -p pipe ] || fail "a FIFO was replaced"
timeout 60 cat pipe >got &
"$odeon" solve decay.ini --out pipe >out || fail "--out pipe with its reader: exit code $?"
wait $!
cmp got states || fail "a FIFO's reader that came first has other states"
# One that nobody reads is waited for, which is said, and a signal ends it.
answer=0
timeout -s TERM 1 "$odeon" solve decay.ini --out pipe >out 2>err || answer=$?
[ $answer -eq 124 ] || fail "a FIFO without a reader: exit code $answer"
has err "pipe: nobody reads this FIFO yet"
# A reader that leaves is an error.
timeout 60 "$odeon" solve decay.ini "model.ode.layer=ode(times=linspace(0 1 20000), initial=1)" \
    --out pipe >out 2>err && fail "a reader that left: exit code 0" &
writer=$!
timeout 60 head -c 1 pipe >got
wait $writer || true
has err "pipe: cannot write"
has err "Broken pipe"

# Devices.
expect 5 "/dev/full: cannot write" solve decay.ini --out /dev/full
expect 0 "evaluations" solve decay.ini --out /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
if mknod null c 1 3 2>/dev/null && : 2>/dev/null >null; then
    expect 0 "evaluations" solve decay.ini --out null
    [ -c null ] || fail "a device was replaced"
fi
if mknod disk b 7 200 2>/dev/null; then
    expect 5 "disk: is a block device" solve decay.ini --out disk
fi

# Links are followed, and stay; so do their targets' modes.
mkdir -p far
echo old >far/target
chmod 640 far/target
ln -s far/target link
ln -s ../link far/link2
for name in link far/link2; do
    echo old >far/target
    expect 0 "evaluations" solve decay.ini --out $name
    [ -L $name ] && [ -L link ] || fail "the link $name was replaced"
    cmp far/target states || fail "the target of $name was not written"
    [ "$(stat -c %a far/target)" = 640 ] || fail "the target of $name has another mode"
done
ln -s far/new dangling
expect 0 "evaluations" solve decay.ini --out dangling
[ -L dangling ] && cmp far/new states || fail "what a link points at was not made"
ln -s loop1 loop2
ln -s loop2 loop1
expect 5 "loop1: cannot be followed: Too many levels" solve decay.ini --out loop1
ln -s nowhere/x lost
expect 5 "lost: cannot be made in its folder" solve decay.ini --out lost

# Modes stay, whatever the mask; a new file has what the mask leaves.
for mode in 600 644 666 751; do
    echo old >kept
    chmod $mode kept
    (umask 077 && "$odeon" solve decay.ini --out kept >out)
    [ "$(stat -c %a kept)" = $mode ] || fail "a mode of $mode has become $(stat -c %a kept)"
    cmp kept states || fail "other states"
done
(umask 027 && "$odeon" solve decay.ini --out fresh >out)
[ "$(stat -c %a fresh)" = 640 ] || fail "a new file has the mode $(stat -c %a fresh)"
[ -z "$(ls | grep tmp)" ] || fail "temporary files are left: $(ls)"

# A hard link: the other name keeps the old.
echo old >one
ln one two
expect 0 "evaluations" solve decay.ini --out one
[ "$(cat two)" = old ] && cmp one states || fail "hard links"

# What cannot be written is said before the work is done.
expect 5 "far: is a folder" solve decay.ini --out far model.ode.f.constants=w=1e200
if [ -x "$(command -v python3)" ] && python3 -c 'import socket
s = socket.socket(socket.AF_UNIX); s.bind("sock")' 2>/dev/null; then
    expect 5 "sock: is a socket" solve decay.ini --out sock
fi
expect 2 "the name of a file to write is empty" solve decay.ini --out ""

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && chown 1234:1234 . 2>/dev/null &&
    chmod 711 "$work" && setpriv --reuid 1234 --regid 1234 --clear-groups "$odeon" --version >out 2>&1; then
    # root keeps owner and group
    echo old >owned
    chown 1234:1235 owned
    chmod 600 owned
    expect 0 "evaluations" solve decay.ini --out owned
    [ "$(stat -c %u:%g:%a owned)" = 1234:1235:600 ] || fail "owned is $(stat -c %u:%g:%a owned)"
    as_user() { setpriv --reuid 1234 --regid 1234 --clear-groups "$odeon" "$@" >out 2>err </dev/null; }
    # a file that others own is written in place, and what was longer is cut
    mkdir theirs
    chmod 777 theirs
    head -c 5000 /dev/zero >theirs/file
    chmod 666 theirs/file
    number=$(stat -c %i theirs/file)
    as_user solve decay.ini --out theirs/file || fail "a file of another owner"
    cmp theirs/file states || fail "in place: other states"
    [ "$(stat -c %u:%i theirs/file)" = "0:$number" ] || fail "a file of another owner was replaced"
    # so is one in a folder where nothing can be made
    chmod 755 theirs
    head -c 5000 /dev/zero >theirs/file
    as_user solve decay.ini --out theirs/file || fail "a folder that is not writable"
    cmp theirs/file states || fail "in place: other states"
    # a file that is write-protected is not replaced
    echo old >guarded
    chown 1234 guarded
    chmod 444 guarded
    answer=0
    as_user solve decay.ini --out guarded || answer=$?
    [ $answer -eq 5 ] && [ "$(cat guarded)" = old ] || fail "a write-protected file: $answer"
    has err "guarded: cannot be written: Permission denied"
fi

# solve writes what the name says.
expect 0 "evaluations" solve decay.ini --out s.npy
head -c 6 s.npy | cmp - <(printf '\x93NUMPY') || fail "not an .npy file"
head -c 128 s.npy | grep -aqF "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3, 1), }" ||
    fail "another header: $(head -c 128 s.npy | tail -c +11)"
[ "$(stat -c %s s.npy)" -eq $((128 + 24)) ] || fail "s.npy has $(stat -c %s s.npy) bytes"
tail -c 24 s.npy | od -An -v -tf8 -w8 | awk '{ printf "%.12f\n", $1 }' |
    cmp - <(tail -n +2 states | awk -F, '{ printf "%.12f\n", $3 }') || fail "s.npy has other states"
expect 0 "evaluations" solve decay.ini --out s.safetensors
grep -aqF '"y":{"dtype":"F64","shape":[1,3,1]' s.safetensors || fail "s.safetensors has no y"
grep -aqF '"t":{"dtype":"F64","shape":[1,3]' s.safetensors || fail "s.safetensors has no t"
expect 0 "evaluations" solve decay.ini run.dtype=float32 --out f.npy
head -c 128 f.npy | grep -aqF "'<f4'" || fail "not in the run's dtype"
mkfifo s.fifo.npy
timeout 60 cat s.fifo.npy >got.npy &
"$odeon" solve decay.ini --out s.fifo.npy >out
wait $!
cmp got.npy s.npy || fail "an .npy file through a pipe is another"

# predict and grad to a pipe and to standard output.
toy 64 32
data="data.path=$work/toy"
expect 0 "results in" train "$ini/small.ini" "$data" run.out=run run.workers=1
predict=(predict "$ini/small.ini" "$data" --weights run/weights.safetensors --split test)
expect 0 "32 predictions in p.csv" "${predict[@]}" --out p.csv
"$odeon" "${predict[@]}" --out - >out 2>err || fail "predict --out -"
cmp out p.csv || fail "predict --out - gives other lines, or more than these"
has err "32 predictions in standard output"
has err "accuracy "
expect 0 "32 predictions" "${predict[@]}" --out p.safetensors
"$odeon" "${predict[@]}" --out - >out 2>err || fail "predict --out -"
mkfifo fifo.safetensors
timeout 60 cat fifo.safetensors >got.safetensors &
"$odeon" "${predict[@]}" --out fifo.safetensors >out || fail "predict --out FIFO"
wait $!
cmp got.safetensors p.safetensors || fail "safetensors through a pipe are others"

expect 6 "max_steps" train "$ini/small.ini" "$data" run.out=failed model.ode.max_steps=2
batch=failed/failure/batch.safetensors
grad=(grad "$ini/small.ini" --batch $batch)
expect 0 "loss" "${grad[@]}" --out g.safetensors --steps s.csv
"$odeon" "${grad[@]}" --out - >out 2>err || fail "grad --out -"
cmp out g.safetensors || fail "grad --out - gives other bytes, or more than these"
has err "loss "
"$odeon" "${grad[@]}" --out g2.safetensors --steps - >out 2>err || fail "grad --steps -"
cmp out s.csv || fail "grad --steps - gives other lines, or more than these"
expect 2 "name two files" "${grad[@]}" --out - --steps /dev/stdout
expect 2 "name two files" "${grad[@]}" --out same --steps same

# No file that a command reads is written over.
cp run/weights.safetensors w.safetensors
cp w.safetensors before.safetensors
ln -s w.safetensors w.link.safetensors
for name in w.safetensors w.link.safetensors ./w.safetensors; do
    expect 2 "is a file that this command reads (train.weights)" predict "$ini/small.ini" "$data" \
        --weights w.safetensors --split test --out $name
done
cp $batch x.safetensors
expect 2 "reads (--in)" predict "$ini/small.ini" "$data" --weights w.safetensors --in x.safetensors \
    --out x.safetensors
expect 2 "reads (--batch)" grad "$ini/small.ini" --batch x.safetensors --out x.safetensors
expect 2 "reads (--batch)" grad "$ini/small.ini" --batch x.safetensors --out y --steps x.safetensors
cp decay.ini base.ini
echo "include = base.ini" >over.ini
expect 2 "reads (the configuration)" solve over.ini --out over.ini
expect 2 "reads (the configuration)" solve over.ini --out base.ini
cmp w.safetensors before.safetensors && cmp x.safetensors $batch && cmp base.ini decay.ini ||
    fail "an input was written over"
