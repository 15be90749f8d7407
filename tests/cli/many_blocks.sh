#!/usr/bin/env bash
# A model of more ODE blocks than anybody draws: every one has its counters in the metrics, its
# steps in a file of its own, its line in the summary.
. "$1/tests/support/cli.sh"
conf=$source/conf
n=40

{
    printf '[run]\nepochs = 2\nworkers = 2\n[data]\ndataset = spheres(n_inner=8, n_outer=8, label=class)\nbatch = 8\n'
    for i in $(seq $n); do
        printf '[model.b%d]\nlayer = ode(span=0 1, steps=1)\nintegrator = euler\ngradient = direct\n' "$i"
        printf '[model.b%d.f]\nlayer = dense(units=state)\n' "$i"
    done
    printf '[model.head]\nlayer = dense(units=2)\n[train]\nloss = cross_entropy\noptimizer = sgd(lr=1e-3)\n'
} >many.ini
expect 0 "results in" train many.ini run.out="$work/run"
head -n 1 run/metrics.csv | tr , '\n' >columns
for i in $(seq $n); do
    has out "b$i: evaluations at the first step 1 forward"
    grep -qx "b$i.evals_forward" columns || fail "no column of b$i"
    grep -q "\"b$i.accepted\":1" run/metrics.jsonl || fail "no steps of b$i in metrics.jsonl"
done
awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' run/metrics.csv || fail "rows of unequal length"

# A step that fails leaves those of every block that it came to.
expect 6 "odeon replay" train many.ini run.out="$work/bad" "model.b$n.f.layer=formula(equations=a' = 1/(a-a) | b' = b)"
[ "$(find bad/failure -name 'steps-*.csv' | wc -l)" -ge $((n - 1)) ] || fail "steps of $(ls bad/failure)"
echo ok
