#!/usr/bin/env bash
# Integrators with implicit stages: stiff problems, their gradients, what is refused and what fails.
. "$1/tests/support/cli.sh"

conf=$source/conf/robertson.ini

# end FILE A B C: the last line's species, to a thousandth.
end() {
    tail -n 1 "$1" | awk -F, -v a="$2" -v b="$3" -v c="$4" '
        function off(x, y) { return x > y ? x / y - 1 : y / x - 1 }
        { exit off($3, a) > 2e-3 || off($4, b) > 2e-3 || off($5, c) > 1e-9 || $2 != "1e+11" }' ||
        fail "$1 ends elsewhere: $(tail -n 1 "$1")"
}

# Robertson's kinetics to 1e11: an explicit method would need 1e14 steps.
for method in kvaerno4 kvaerno5 esdirk54; do
    expect 0 "kinetics: evaluations" solve "$conf" --out states.csv "model.kinetics.integrator=$method"
    [[ $(sed -n 's/.*accepted \([0-9]*\).*/\1/p' out) -lt 1000 ]] || fail "too many steps: $(cat out)"
    end states.csv 2.083340149701294e-08 8.333360770334784e-14 0.9999999791665152
done
expect 0 "kinetics: evaluations" solve "$conf" --out narrow.csv run.dtype=float32

# A device with memory of its own, which carries calls out later, has the same bits; it could record
# solves, and is said once not to.
expect 0 "kinetics: evaluations" solve "$conf" --out cpu.csv
! grep -q "not recorded" err || fail "a device that records nothing is spoken of"
expect 0 "kinetics: evaluations" --plugin-path "$build/test-plugins" solve "$conf" --out remote.csv \
    "run.device=remote(late=yes)"
[ "$(grep -c "kinetics: its integrator needs the host in every step, so that its solves are not recorded" err)" \
    -eq 1 ] || fail "not one note"
cmp cpu.csv remote.csv || fail "other bits on another device"
expect 0 "" --plugin-path "$build/test-plugins" solve "$conf" --out remote.csv run.device=remote run.capture=no
! grep -q "not recorded" err || fail "what is switched off is missed"

expect 0 "kinetics: evaluations" solve "$conf" --out reference.csv run.device=reference
end reference.csv 2.083340149701294e-08 8.333360770334784e-14 0.9999999791665152

# An explicit method says what would help.
expect 6 "the problem is stiff" solve "$conf" model.kinetics.integrator=dopri5 model.kinetics.times="0 40" \
    model.kinetics.max_steps=500
has err "give an implicit integrator"

# What is refused, before anything is computed.
expect 2 "kinetics: gradient adjoint solves backward in time, which is unstable for the stiff problems that \
integrator kvaerno5 is for: give gradient = direct" check "$conf" model.kinetics.gradient=adjoint
cat >table.ini <<'EOF'
[run]
dtype = float64
[data]
dataset = csv(path=table.csv, inputs=0..1, label=2..3, test_fraction=0)
batch   = 6
[model.ode]
layer      = ode(span=0 1)
integrator = kvaerno3
rtol       = 1e-6
atol       = 1e-6
gradient   = direct
[model.ode.f]
layer = dense(units=state)
then  = tanh
[train]
loss      = mse
optimizer = sgd(lr=0.1)
EOF
printf '%s\n' a,b,p,q 1,0.5,0,1 0.5,0.25,1,1 0.2,0.6,0,0 0.1,0.1,1,0 0.7,0.3,0,1 0.4,0.9,1,0 >table.csv
cat >wide.ini <<'EOF'
[run]
dtype = float64
[model.ode]
layer      = ode(times=0 1, initial=linspace(0 1 65))
integrator = kvaerno5
gradient   = direct
[model.ode.f]
layer = tanh
EOF
expect 0 "evaluations" solve wide.ini --out w.csv
expect 0 "evaluations" solve wide.ini --out w.csv "model.ode.layer=ode(times=0 1, initial=linspace(0 1 64))"
expect 2 "the samples of a batch must not depend on one another" train table.ini run.epochs=1 \
    model.ode.f.layer=batchnorm run.out=coupled

# A network is trained through implicit steps as through those of an explicit method: the gradients of
# both approach that of the solution.
# losses ARGUMENTS...: those of the epochs.
losses() {
    rm -rf trained
    expect 0 "" train table.ini run.epochs=5 run.out=trained "$@"
    cut -d, -f5 trained/metrics.csv
}
losses model.ode.rtol=1e-9 model.ode.atol=1e-9 >implicit.txt
losses model.ode.rtol=1e-9 model.ode.atol=1e-9 model.ode.integrator=dopri5 >explicit.txt
paste -d, implicit.txt explicit.txt | tail -n +2 | awk -F, '
    { d = $1 - $2; if (d * d > 1e-12 * $2 * $2 || $1 == "") exit 1 }' || fail "another training"

# A field of two terms: by a pair of tables, and, as their sum, by any other method and gradient.
sed 's/^\[model.ode.f\]/[model.ode.stiff]\nlayer = dense(units=state)\n&/' table.ini >two.ini
losses_of_two() {
    rm -rf trained
    expect 0 "" train two.ini run.epochs=5 run.out=trained model.ode.rtol=1e-9 model.ode.atol=1e-9 "$@"
    cut -d, -f5 trained/metrics.csv
}
losses_of_two model.ode.integrator=dopri5 >explicit.txt
losses_of_two model.ode.integrator=ark324 >pair.txt
losses_of_two model.ode.integrator=sbdf2 model.ode.max_steps=100000 >steps.txt
losses_of_two model.ode.integrator=kvaerno5 >implicit.txt
losses_of_two model.ode.integrator=dopri5 model.ode.gradient=adjoint >adjoint.txt
losses_of_two model.ode.integrator=ark324 run.device=reference run.workers=2 >reference.txt
paste -d, explicit.txt pair.txt implicit.txt adjoint.txt reference.txt steps.txt >all.txt
tail -n +2 all.txt | awk -F, '
    $1 == "" { exit 1 }
    { for (i = 2; i <= 6; i++) { d = $i - $1; if (d * d > (i < 6 ? 1e-12 : 1e-10) * $1 * $1) exit 1 } }' ||
    fail "another training of two terms: $(cat all.txt)"
expect 2 "integrator ark324 treats the stiff term of a field implicitly" check table.ini \
    model.ode.integrator=ark324
expect 2 "gradient adjoint solves backward in time" check two.ini model.ode.integrator=ark324 \
    model.ode.gradient=adjoint
expect 2 "dy/dt must have the shape of y, but the body makes [3] of [2]" check two.ini \
    "model.ode.stiff.layer=dense(units=3)"

# Kaps' problem, whose solution is (exp(-2 t), exp(-t)) whatever k.
expect 0 "kaps: evaluations" solve "$source/conf/kaps.ini" --out kaps.csv
[[ $(sed -n 's/.*steps \([0-9]*\) accepted.*/\1/p' out) -lt 100 ]] || fail "too many steps: $(cat out)"
tail -n 1 kaps.csv | awk -F, '{ a = $3 - exp(-2); b = $4 - exp(-1); exit a * a > 1e-9 || b * b > 1e-14 }' ||
    fail "Kaps' problem ends elsewhere: $(tail -n 1 kaps.csv)"

# One sample without a solution voids the step of all workers, and its number is that of the batch.
printf '%s\n' a,b,p,q 1,9,0,1 1,9,1,1 1,9,0,0 1,9,1,0 1,0.5,0,1 1,9,1,0 >table.csv
for workers in 1 3; do
    expect 6 "ode: step size underflow: a stage cannot be solved at t = 0.5" train table.ini run.epochs=1 \
        "run.workers=$workers" "run.out=void$workers" model.ode.f.layer=formula model.ode.f.then=identity \
        "model.ode.f.equations=a' = sqrt(b - t)*a | b' = 0*a" data.shuffle=no
    has err "worst sample: 4 of the batch (4 of the data set), by part y of the solve forward, a stage of it \
not solved"
done

# Steps that are given and too long.
expect 6 "kinetics: a stage cannot be solved at t = 0, h = 0.04, after 7 evaluations, 0 accepted and 0 \
rejected steps (Newton's iteration does not converge); with fixed steps there is no smaller one to try; \
worst sample: 0 of the batch, by part y of the solve forward, a stage of it not solved" \
    solve "$conf" model.kinetics.steps=10
