#!/usr/bin/env bash
# A step that fails leaves a bundle, which replay repeats to the bit; run.on_failure = skip goes on.
. "$1/tests/support/cli.sh"
toy 256 20
train=(--plugin-path "$build/test-plugins" train "$ini/small.ini" "data.path=$work/toy" run.log_every=1)
replay=(--plugin-path "$build/test-plugins" replay)
wander="model.pool.then=flatten, wander"

# repeats BUNDLE: replay ends as the run did, and what it leaves itself is the same to the bit.
repeats() {
    expect 6 "$(cat "$1/message.txt")" "${replay[@]}" "$1" --out again
    [ "$(tail -n 1 err)" = "odeon: error: $(cat "$1/message.txt")" ] || fail "other words: $1"
    for file in batch.safetensors weights.safetensors message.txt steps-ode.csv; do
        cmp "$1/$file" "again/$file" || fail "replay of $1: another $file"
    done
    rm -r again
}

# Training diverges for a while before a solve gives up: parameters, running state, random numbers,
# workers and dtype all go into the numbers of the message.
for case in "direct 1 float32" "direct 3 float64" "adjoint 2 float32"; do
    read -r gradient workers dtype <<<"$case"
    run=run-$gradient-$workers
    expect 6 "ode: max_steps reached at t = 0." "${train[@]}" "$wander" \
        'train.optimizer=sgd(lr=3)' model.ode.max_steps=6 run.out="$run" run.workers="$workers" \
        run.dtype="$dtype" model.ode.gradient="$gradient"
    has err "; worst sample: "
    has err " of the data set), by part y of the solve forward, its own scaled error "
    has err "; to repeat it: odeon replay $work/$run/failure"
    [ "$(wc -l <"$run/metrics.csv")" -gt 2 ] || fail "$run: failed at the first step already"
    [ "$(wc -l <"$run/failure/steps-ode.csv")" -eq 7 ] || fail "$run: not six attempts"
    repeats "$run/failure"
    # The weights of the run's folder are those before the step.
    cmp "$run/weights.safetensors" "$run/failure/weights.safetensors"
done

# Overrides say what would happen then.
expect 0 "training batch of epoch 1, step " "${replay[@]}" run-direct-1/failure \
    model.ode.max_steps=100
has out "ode: evaluations "
expect 0 "loss " "${replay[@]}" run-direct-1/failure model.ode.integrator=rk4 model.ode.steps=4 \
    run.device=reference --dtype float64
expect 6 "ode: max_steps reached at t = " "${replay[@]}" run-direct-1/failure model.ode.rtol=1e-9
! cmp -s err run-direct-1/failure/message.txt || fail "another tolerance, the same message"

# Running state is that of before the step: it is at the limit there, and past it after the step.
expect 6 "ode: the state at the start is not finite at t = 0" "${train[@]}" run.out=nan \
    'model.pool.then=flatten, wander(limit=2)'
has err "worst sample: 0 of the batch ("
has err ", by part y of the solve forward, not finite"
has nan/failure/steps-ode.csv "t,h,error,accepted"
repeats nan/failure

# Without a solve that gives up the loss tells, and the output names the sample.
expect 6 "first sample whose output is not finite: 0 of the batch (" "${train[@]}" run.out=loss \
    'model.pool.then=flatten, wander(limit=2)' model.ode.steps=2
repeats loss/failure

# A failing test is kept too, but never skipped.
expect 6 "(in the test)" "${train[@]}" run.out=test 'model.pool.then=flatten, wander(limit=8)' \
    run.on_failure=skip
has err "odeon replay $work/test/failure/1"
repeats test/failure/1

# Skip: a row without a loss, a bundle, and parameters as they were. Here the state stays at the
# limit, so that all later steps fail as well: ten are skipped, the first ten are kept.
expect 6 "(after ten skipped steps)" "${train[@]}" run.out=skip run.on_failure=skip data.batch=16 \
    'model.pool.then=flatten, wander(limit=2)'
has err "it is not kept: failure/ has 10 steps already"
[ "$(grep -c '^odeon: warning: step [0-9]* is skipped: ode: the state at the start is not' err)" -eq 10 ] ||
    fail "not ten warnings"
[ "$(find skip/failure -name batch.safetensors | wc -l)" -eq 10 ] || fail "not ten bundles"
[ "$(grep -c '^[0-9]*,[0-9]*,[0-9.e-]*,train,,,' skip/metrics.csv)" -eq 10 ] ||
    fail "not ten rows without loss"
cmp skip/weights.safetensors skip/failure/1/weights.safetensors
cmp skip/weights.safetensors skip/failure/10/weights.safetensors
repeats skip/failure/10

# Failures now and then: training goes on after them, and each left its own bundle.
expect 0 "test accuracy" "${train[@]}" run.out=some run.on_failure=skip \
    'model.pool.then=flatten, wander(every=2)'
skipped=$(grep -c ",train,,," some/metrics.csv) || fail "no step was skipped"
[ "$(grep -c ',train,[0-9]' some/metrics.csv)" -eq $((8 - skipped)) ] || fail "rows are missing"
[ "$(find some/failure -name message.txt | wc -l)" -eq "$skipped" ] || fail "not $skipped bundles"
repeats "some/failure/$skipped"

# What a part of a step draws depends on the samples before it in the step.
for seed in 1 2 3 4 5 6 7 8 9; do
    expect 6 "ode: max_steps reached at t = 0." "${train[@]}" run.out="drawn$seed" run.workers=2 \
        "run.seed=$seed" model.ode.max_steps=3 train.accumulate=4 data.batch=4 run.epochs=9 \
        'train.optimizer=sgd(lr=1)' 'model.pool.then=flatten, dropout(p=0.5)'
    ! grep -qa '"offset":"[1-9]' "drawn$seed/failure/batch.safetensors" || break
done
repeats "drawn$seed/failure"
grep -qa '"offset":"[1-9]' "drawn$seed/failure/batch.safetensors" || fail "no later part has failed"

sed 's/"offset":"[0-9]/"offset":"x/' "drawn$seed/failure/batch.safetensors" >batch
mv batch "drawn$seed/failure/batch.safetensors"
expect 3 "metadata offset is x" "${replay[@]}" "drawn$seed/failure"

# A later part finds the running state that the parts before it have left; the run goes back to before
# the step.
for part in 3 2; do
    expect 6 "first sample whose output is not finite: 0 of the batch (" "${train[@]}" run.out="part$part" \
        model.ode.steps=2 train.accumulate=2 "model.pool.then=flatten, wander(limit=$part)"
    repeats "part$part/failure"
done
cmp part2/weights.safetensors part2/failure/weights.safetensors
! cmp -s part3/weights.safetensors part3/failure/weights.safetensors || fail "not the state of the part"

# What is no bundle.
expect 5 "no batch.safetensors in it; there is one in run-direct-1/failure" "${replay[@]}" run-direct-1
expect 5 "there is one in skip/failure/1" "${replay[@]}" skip/failure
expect 5 "nowhere: no bundle" "${replay[@]}" nowhere
head -c 100 nan/failure/batch.safetensors >short
cp short nan/failure/batch.safetensors
expect 3 "nan/failure/batch.safetensors" "${replay[@]}" nan/failure
cp nan/weights.safetensors nan/failure/batch.safetensors
expect 3 "metadata workers is missing" "${replay[@]}" nan/failure
sed 's/"mode":"train"/"mode":"tried"/' run-direct-1/failure/batch.safetensors \
    >loss/failure/batch.safetensors
expect 3 "metadata mode is neither train nor test" "${replay[@]}" loss/failure
sed 's/"epoch":"1"/"epoch":"x"/' run-direct-1/failure/batch.safetensors \
    >loss/failure/batch.safetensors
expect 3 "metadata epoch is x" "${replay[@]}" loss/failure
rm test/failure/1/weights.safetensors
expect 5 "test/failure/1/weights.safetensors" "${replay[@]}" test/failure/1
expect 2 "stop" "${train[@]}" run.out=x run.on_failure=halt
