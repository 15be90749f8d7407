#!/usr/bin/env bash
# Work and memory are bounded before they are spent, and nothing waits for ever: little address space,
# models of many layers, workers that do not come.
. "$1/tests/support/cli.sh"
tests=(--plugin-path "$build/test-plugins")
cat >model.ini <<'END'
[run]
name       = t
iterations = 2
workers    = 1
[data]
dataset = csv(path=data.csv, inputs=a, label=b, test_fraction=0)
batch   = 2
[model.ode]
layer = ode(steps=2)
integrator = rk4
gradient   = direct
[model.ode.body]
layer = dense(units=state)
[model.head]
layer = dense(units=1)
[train]
loss      = mse
optimizer = adam(lr=1e-3)
END
printf 'a,b\n1,2\n2,3\n3,4\n4,5\n' >data.csv
expect 0 "results in" train model.ini run.out=good

# ---- little address space: the library that multiplies must not look for memory for ever ----

# limited KIB ARGUMENTS...: with so much address space the command ends within seconds: done, or exit
# code 7 with a line.
limited() {
    local limit=$1 answer=0
    shift
    (
        ulimit -v "$limit"
        exec timeout -s KILL 60 "$odeon" "$@"
    ) >out 2>err </dev/null || answer=$?
    case $answer in
    0) ;;
    7) grep -q '^odeon: error: ' err || fail "odeon $* with $limit KiB: no error" ;;
    *) fail "odeon $* with $limit KiB: exit code $answer" ;;
    esac
}

# A program with a sanitizer in it needs terabytes to begin with.
if (ulimit -v 400000 && exec "$odeon" --version) >out 2>err; then
    for limit in 30000 45000 60000 80000 120000 150000 175000 200000 225000 260000 300000 400000; do
        for workers in 1 2; do
            limited $limit train model.ini run.workers=$workers run.out=limited
            rm -rf limited
        done
        limited $limit eval model.ini --weights good/weights.safetensors run.workers=2
        limited $limit predict model.ini --weights good/weights.safetensors --split test --out p.csv
    done
    if ! grep -q 'no OpenBLAS' <("$odeon" check model.ini 2>&1); then
        limited 120000 train model.ini run.out=limited
        has err "needs 128 MiB of address space for worker 0"
        rm -rf limited
        limited 120000 train model.ini run.out=limited "run.device=cpu(blas=openblas)"
        has err "raise the limit on address space"
    fi
fi

# ---- many layers ----

# layers FILE REPEATS...: chains in one another, repeated so often, a dense layer within.
layers() {
    local file=$1 path=model n
    shift
    sed '/^\[model.ode\]/,$d' model.ini >"$file"
    for n in "$@"; do
        path=$path.c
        printf '[%s]\nlayer = chain\nrepeat = %s\n' "$path" "$n" >>"$file"
    done
    printf '[%s.x]\nlayer = dense(units=1)\n[train]\nloss = mse\noptimizer = sgd(lr=1e-3)\n' "$path" \
        >>"$file"
}
layers bomb.ini 4096 4096 4096
(
    ulimit -t 5
    expect 2 "layers, there are more than the 65536 layers that are allowed in all" \
        check bomb.ini
) || fail "three chains in one another are counted one by one"
layers most.ini 16 2000
( # seconds of CPU; with searches through all layers for each of them it took minutes
    ulimit -t 60
    exec "$odeon" check most.ini >out 2>err
) || fail "64,016 layers take too long"
has out "most.ini: ok"

# ---- more sections than the normal form may have ----
{
    echo "include = one.ini, two.ini"
    cat model.ini
} >many.ini
for part in one two; do
    for i in $(seq 600); do printf '[model.%s%d]\nlayer = relu\n' $part "$i"; done >$part.ini
done
expect 2 "there are more than 1023 sections in all files" check many.ini

# ---- workers ----
expect 2 "workers = 257: allowed: 1 <= workers <= 256" check model.ini run.workers=257
expect 0 "64 workers" check model.ini run.workers=64
expect 0 "64 workers" train model.ini run.workers=64 run.out=crowd

# A layer that calls a collective on one worker alone is named, at once.
faulty=("${tests[@]}" train model.ini run.workers=2 run.patience=0)
for status in meets ignores; do
    expect 4 "called in forward of ode.body.faulty (faulty)" "${faulty[@]}" run.out=$status \
        "model.ode.body.then=faulty(rank=1, call=3, status=$status)"
done

# So is one that never comes back: the process ends although its thread cannot. What was saved stays.
for rank in 0 1; do
    expect 4 "for worker $rank, which is in forward of ode.body.faulty (faulty) and does not come out" \
        "${tests[@]}" train model.ini run.workers=2 run.patience=0.5 run.iterations=6 \
        run.checkpoint_every=1 run.out=stuck$rank \
        "model.ode.body.then=faulty(rank=$rank, call=30, status=hangs)"
    has err "kept: the state after step "
    has err " of 6, $work/stuck$rank/checkpoints/ckpt-"
    [ -n "$(ls stuck$rank/checkpoints)" ] || fail "the checkpoint is not kept"
done
expect 4 "does not come out of it" "${tests[@]}" eval model.ini --weights good/weights.safetensors \
    run.workers=2 run.patience=0.5 "model.ode.body.then=faulty(rank=1, call=2, status=hangs)"
