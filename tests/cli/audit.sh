#!/usr/bin/env bash
# audit: gradients against the exact one; check --gradients: against central differences.
. "$1/tests/support/cli.sh"
toy
cp "$ini/small.ini" .

# column NAME FILE: that column of a CSV whose cells have no commas in them, without its name.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
        { print $c }' "$2"
}

# In float64 the exact gradient is that of the computation, and closer to the reference the smaller
# the tolerance; the continuous adjoint is the gradient of another computation.
"$odeon" audit small.ini run.dtype=float64 --csv >table.csv 2>err || fail "audit: $(cat err)"
[ "$(head -n 1 table.csv)" = "gradient,integrator,tolerance,group,error,cos,derivative,said,gap,\
evals_forward,evals_backward,accepted,rejected,bytes,ms,reason" ] || fail "other columns"
sed -E 's/"[^"]*"/x/g' table.csv >plain.csv
[ "$(column group plain.csv | sort -u | paste -sd ,)" = all,head,ode.field,ode.field.dense ] ||
    fail "groups are $(column group plain.csv | sort -u | paste -sd ,)"
[ "$(wc -l <plain.csv)" -eq $((1 + 3 * 3 * 4)) ] || fail "not three methods at three tolerances"
awk -F, 'NR > 1 && $1 ~ /^(direct|checkpoint|x)/ && !($9 <= 1e-10) { exit 1 }' \
    <(grep '^direct\|^checkpoint' table.csv) || fail "an exact gradient has a gap"
grep '^adjoint' table.csv | awk -F, '!($9 > 1e-9) { exit 1 }' || fail "an adjoint has no gap"
grep '^direct.*,all,' plain.csv | awk -F, 'NR > 1 && !($5 < last) { exit 1 } { last = $5 }' ||
    fail "smaller tolerances have no smaller errors"

# In the run's dtype; for people; other lists.
expect 0 "reference: the exact gradient in float64 of steps at tolerance 1e-06" audit small.ini \
    --tolerances '1e-2|1e-4' --methods direct --integrators 'dopri5|bosh3' --directions 0
[ "$(grep -c '^direct  *\(dopri5\|bosh3\) ' out)" -eq $((4 + 4 * 3)) ] || fail "not four rows"
"$odeon" audit small.ini --json --directions 1 >table.json 2>err
has table.json '"gradient": "direct'
has table.json '"group": "ode.field.dense"'

# Fixed steps have no tolerance, a method that cannot be is a row with its reason.
expect 0 "steps a sixteenth as long" audit small.ini model.ode.steps=4 --methods 'direct|adjoint'
expect 0 "kvaerno5" audit small.ini --methods 'direct|adjoint' --integrators kvaerno5 \
    --tolerances 1e-2
grep -q '^adjoint .* - .*kvaerno5' out || grep -q '^adjoint  *kvaerno5 .* [a-z]' out ||
    fail "no reason"
expect 2 "no combination could be measured" audit small.ini --methods nonsense --tolerances 1e-2
expect 2 "the model has no ODE block" audit small.ini model.ode.enabled=no
expect 2 "--tolerances x: must be a number above 0" audit small.ini --tolerances x
expect 2 "--directions -1: must be a whole number from 0" audit small.ini --directions=-1
expect 2 "one of --csv and --json" audit small.ini --csv --json

# A trained run with its weights, and a batch of a file.
expect 0 "results in" train small.ini run.epochs=1
expect 0 "256 samples" audit runs/small/1 data.batch=256 --tolerances 1e-2 --directions 0

# Central differences, over every tensor.
expect 0 "8 samples in float64, steps held" check small.ini --gradients
[ "$(grep -c ' yes$' out)" -eq 6 ] || fail "not six tensors"
expect 6 "differ from central differences by more than 0.0001" check small.ini --gradients \
    model.ode.gradient=adjoint model.ode.integrator=euler model.ode.steps=1
has out NO
"$odeon" check small.ini --gradients --csv >table.csv
[ "$(head -n 1 table.csv)" = tensor,numbers,norm,gradient,difference,error,good ] || fail "no CSV"
expect 0 "head.weight" check small.ini --gradients model.ode.steps=3
expect 0 "head.weight" check small.ini --gradients model.ode.enabled=no
expect 0 "head.weight" check small.ini --gradients model.ode.control=torchdiffeq
expect 0 "head.weight" check small.ini --gradients model.ode.step=sample
expect 0 "head.weight" check runs/small/1 --gradients
expect 2 "belong to --gradients" check small.ini --csv
mkdir temporary
TMPDIR=$PWD/temporary expect 0 "head.weight" check small.ini --gradients
[ -z "$(ls temporary)" ] || fail "temporary folders are left"
TMPDIR=$PWD/nowhere expect 5 "a temporary folder $PWD/nowhere/odeon-" check small.ini --gradients
TMPDIR=$PWD/nowhere expect 5 "a temporary file $PWD/nowhere/odeon-" check small.ini
