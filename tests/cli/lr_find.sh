#!/usr/bin/env bash
# lr-find: a range of learning rates; compare --work-precision: integrators on one problem.
. "$1/tests/support/cli.sh"
toy 512 64
cp "$ini/small.ini" .

expect 0 "steepest fall at " lr-find small.ini
has out "a tenth of where it is least: "
[ "$(grep -c '^[0-9.]*e[-+][0-9]* ' out)" -le 30 ] || fail "too many rows for people"
[ ! -e runs ] || fail "lr-find writes a run"
"$odeon" lr-find small.ini --from 1e-5 --to 1e-1 --batches 40 --csv >all.csv 2>err
[ "$(head -n 1 all.csv)" = lr,loss,smooth,grad_norm ] || fail "no CSV"
[ "$(wc -l <all.csv)" -eq 41 ] || fail "not 40 rows"
awk -F, 'NR > 2 && !($1 > last) { exit 1 } { last = $1 }' all.csv || fail "rates do not grow"
awk -F, 'NR == 41 && ($1 < 0.0999 || $1 > 0.1001) { exit 1 }' all.csv || fail "another last rate"
"$odeon" lr-find small.ini --from 1e-5 --to 1e-1 --batches 40 --csv >again.csv 2>err
cmp all.csv again.csv || fail "the same command has other numbers"
expect 0 "the loss explodes after" lr-find small.ini 'train.optimizer=sgd(lr=1)' --from 1e-3 --to 1e9
expect 2 "is not below" lr-find small.ini --from 1 --to 1e-3
expect 2 "--from 0: must be a number above 0" lr-find small.ini --from 0
expect 2 "--batches 3: must be a whole number from 10" lr-find small.ini --batches 3

# Equations alone: errors fall with tolerances and steps.
cp "$source/conf/lane_emden.ini" .
expect 0 "reference: the configuration's integrator in float64" compare lane_emden.ini \
    --work-precision --integrators 'dopri5|rk4|tsit5' --tolerances '1e-3|1e-6|1e-9'
"$odeon" compare lane_emden.ini --work-precision --csv --integrators 'dopri5|rk4' \
    --tolerances '1e-3|1e-6|1e-9' >wp.csv
[ "$(grep -c '^dopri5' wp.csv)" -eq 3 ] || fail "not three tolerances"
[ "$(grep -c '^rk4' wp.csv)" -eq 7 ] || fail "not seven numbers of steps"
for method in dopri5 rk4; do
    grep "^$method" wp.csv | awk -F, 'NR > 1 && (!($4 < error) || !($5 > evals)) { exit 1 }
        { error = $4; evals = $5 }' || fail "$method: more work is no more precision"
done

# All that are installed on a trained field; what cannot solve it is a row with its reason.
expect 0 "results in" train small.ini run.epochs=1
expect 0 "bosh3" compare runs/small/1 --work-precision --tolerances '1e-2|1e-4'
grep -q '^leapfrog .*[a-z]' out || fail "no reason"
expect 0 "dopri5" compare small.ini --work-precision --weights runs/small/1 --split train \
    --tolerances 1e-3 --integrators dopri5 --json
expect 2 "--work-precision must be given" compare small.ini
expect 2 "--split nothing: must be train or test" compare small.ini --work-precision --split nothing
expect 2 "the model has no ODE block" compare small.ini --work-precision model.ode.enabled=no
