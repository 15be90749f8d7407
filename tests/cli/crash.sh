#!/usr/bin/env bash
# A plugin that dies takes the program with it, which says whose slot it was and dies of the same
# signal. Where a sanitizer has its own handlers they stay.
. "$1/tests/support/cli.sh"
toy 64 10
case $(nm -D "$build/libodeon.so") in
*__asan_init* | *__tsan_init*)
    echo "skipped: a sanitizer's handlers answer"
    exit 0
    ;;
esac
ulimit -c 0
file=$build/test-plugins/layer/breaks.so

# dies SIGNAL NAME TEXT OVERRIDES...: training dies of it, with one line that has TEXT.
dies() {
    local number=$1 name=$2 text=$3 answer=0
    shift 3
    { "$odeon" --plugin-path "$build/test-plugins" train "$ini/small.ini" "data.path=$work/toy" \
        run.out=run "$@" >out 2>err </dev/null || answer=$?; } 2>shell
    [ "$answer" -eq $((128 + number)) ] || fail "$*: exit code $answer, expected $((128 + number))"
    [ "$(grep -c '^odeon: error: ' err)" -eq 1 ] || fail "$*: not one line"
    has err "odeon: error: crash ($name) in $text"
    rm -rf run
}

dies 11 SIGSEGV "layer breaks ($file), forward, of pool.breaks" 'model.pool.then=flatten, breaks'
! grep -q 'what failed' err || fail "the code of the plugin is said to be another's"
dies 11 SIGSEGV "layer breaks ($file), vjp, of pool.breaks" \
    'model.pool.then=flatten, breaks(in=vjp)' run.workers=2
dies 11 SIGSEGV "layer breaks ($file), plan, of pool.breaks" \
    'model.pool.then=flatten, breaks(in=plan)'
dies 11 SIGSEGV "layer breaks ($file), init, of pool.breaks" \
    'model.pool.then=flatten, breaks(in=init)'
dies 11 SIGSEGV "layer breaks ($file), forward, of ode.field.breaks" \
    'model.ode.field.then=tanh, breaks, dense(units=state)'
for case in "6 SIGABRT abort" "8 SIGFPE fpe" "4 SIGILL ill" "7 SIGBUS bus" "11 SIGSEGV deep"; do
    read -r number name how <<<"$case"
    for workers in 1 2; do
        dies "$number" "$name" "layer breaks ($file), forward, of pool.breaks" run.workers=$workers \
            "model.pool.then=flatten, breaks(how=$how)"
    done
done

# While its file is loaded.
mkdir -p bad/integrator
chmod go-w bad bad/integrator
cp "$build/hostile-plugins/integrator/crashes.so" bad/integrator/
answer=0
{ "$odeon" --plugin-path bad inspect integrator crashes >out 2>err || answer=$?; } 2>shell
[ "$answer" -eq 4 ] || fail "inspect: exit code $answer" # it looks at plugins in a child
[ "$(wc -l <err)" -eq 1 ] || fail "inspect: the child speaks, too"
answer=0
{ "$odeon" --plugin-path bad train "$ini/small.ini" "data.path=$work/toy" run.out=run \
    model.ode.integrator=crashes >out 2>err || answer=$?; } 2>shell
[ "$answer" -eq 134 ] || fail "train: exit code $answer"
has err "odeon: error: crash (SIGABRT) in $work/bad/integrator/crashes.so, start-up code"

