#!/usr/bin/env bash
# Integrators whose steps are programs of verbs: what they are good at, what they refuse.
. "$1/tests/support/cli.sh"

conf=$source/conf/kepler.ini

# How far from -1/2 the planet's energy is at the worst of the times.
energy() {
    awk -F, 'NR > 1 { r = sqrt($3^2 + $4^2); e = ($5^2 + $6^2) / 2 - 1 / r + 0.5
                      e = e < 0 ? -e : e; worst = e > worst ? e : worst }
             END { print worst > "energy"; exit !(worst < '"$2"') }' "$1" ||
        fail "the energy is off by $(cat energy)"
}

# Over 100 orbits; twice as fine is four times as near.
expect 0 "planet: evaluations 188504, steps 62834 accepted 0 rejected" solve "$conf" --out kepler.csv
energy kepler.csv 5e-4
expect 0 "planet: evaluations" solve "$conf" --out fine.csv model.planet.step_size=0.005
energy fine.csv 1.2e-4

# A device with memory of its own has the same bits, and one line reports that it does not record.
expect 0 "planet: evaluations" --plugin-path "$build/test-plugins" solve "$conf" --out remote.csv \
    run.device=remote
[ "$(grep -c "planet: its integrator needs the host in every step, so that its solves are not recorded" err)" \
    -eq 1 ] || fail "not one note"
expect 0 "planet: evaluations" solve "$conf" --out reference.csv run.device=reference
cmp reference.csv remote.csv || fail "other bits on another device"

# What is refused.
expect 2 "planet: gradient adjoint solves a larger state backward in time, which does not divide into the \
parts of integrator leapfrog: give gradient = direct" check "$conf" model.planet.gradient=adjoint
expect 2 "planet: integrator leapfrog evaluates the slope of q without the whole state, but here it depends \
on all of it" solve "$conf" \
    "model.planet.gravity.equations=q1' = p1 - q1 | q2' = p2 | p1' = -m*q1 | p2' = -m*q2"
expect 2 "planet: integrator leapfrog divides the state of a sample into 2 parts of one length (q, ...), but \
it has 3 features" solve "$conf" "model.planet.layer=ode(times=0 1, initial=1 0 0)" \
    "model.planet.gravity.equations=a' = b | b' = m*c | c' = a"
sed "/^step_size/d" "$conf" >free.ini
expect 2 "integrator leapfrog estimates no error, so its steps cannot be adaptive" check free.ini

# BDF2 on Robertson's kinetics, read within its steps, too.
for end in clip interpolate; do
    expect 0 "kinetics: evaluations" solve "$source/conf/robertson.ini" --out states.csv \
        model.kinetics.integrator=bdf2 "model.kinetics.end=$end"
    tail -n 1 states.csv | awk -F, '{ d = $3 / 2.083340149701294e-08 - 1; exit d * d > 9e-4 }' ||
        fail "another end: $(tail -n 1 states.csv)"
done
