#!/usr/bin/env bash
# Charts of sweeps, of tests, of tables, and of where a field was evaluated: their numbers are those of
# the runs, of the tables and of `odeon solve`.
. "$1/tests/support/cli.sh"
cp "$source"/conf/spheres_node.ini .
set -- spheres_node.ini run.epochs=3 "data.dataset=spheres(dim=2, inner=0 0.5, outer=1 1.5, n_inner=50, n_outer=150)"

# cells CHART.csv KIND NAME: "x y" of the marks of that kind and name.
cells() {
    awk -F, -v kind="$2" -v name="\"$3\"" 'NR > 1 && $3 == kind && $5 == name {
        printf "%.5g %.5g\n", $6, $7 }' "$1"
}
# last RUN: the loss of its last test.
last() {
    awk -F, '$4 == "test" { x = $5 } END { print x }' "$1/metrics.csv"
}

# ---- several runs ----
runs=()
for p in 0 1 3; do
    for seed in 1 2; do
        expect 0 "results in" train "$@" let.augment=$p run.seed=$seed run.out=p$p-$seed
        runs+=("p$p-$seed")
    done
done
expect 0 "sweep in sweep.csv" plot sweep "${runs[@]}" --out sweep.csv
for p in 0 1 3; do
    awk -v p=$p -v a="$(last p$p-1)" -v b="$(last p$p-2)" 'BEGIN { printf "%g %.5g\n", p, (a + b) / 2 }'
done >wanted
cmp wanted <(cells sweep.csv line "test loss" | head -3) || fail "a sweep of other numbers than the last tests"
expect 0 "sweep in sweep.svg" plot sweep "${runs[@]}" --out sweep.svg
has sweep.svg "model.zeros.channels"
has sweep.svg "3 kinds of runs over model.zeros.channels"
expect 0 "tests in tests.csv" plot tests p0-1 p1-1 --out tests.csv
cmp <(awk -F, '$4 == "test" { printf "%d %.5g\n", ++n, $5 }' p0-1/metrics.csv) \
    <(awk -F, 'NR > 1 && $2 == 0 { printf "%d %.5g\n", $6, $7 }' tests.csv) || fail "other tests than in metrics.csv"
expect 3 "there is one run alone" plot tests p0-1 --out x.svg
expect 3 "do not differ in a key that is a number" plot sweep p0-1 p0-2 --out x.svg
expect 0 "report in report.html" report "${runs[@]}"
has report.html "Results over a key"
! grep -q "curves:\|lr_find:" report.html || fail "a page speaks of charts of tables"

# Kinds that no single key tells apart are called by all that do.
for p in 0 1; do
    expect 0 "results in" train "$@" let.augment=$p run.seed=1 run.out=bosh3-$p model.ode.integrator=bosh3
done
expect 0 "report in" report p0-1 p0-2 p1-1 bosh3-0 bosh3-1 --out kinds.html
for name in "channels 0, dopri5" "channels 1, dopri5" "channels 0, bosh3" "channels 1, bosh3"; do
    has kinds.html "$name"
done

# ---- where the field is evaluated ----
expect 0 "results in" train "$@" run.out=euler model.ode.integrator=euler model.ode.steps=4 model.ode.control=auto
expect 0 "depth in depth.csv" plot depth euler --out depth.csv
expect 0 "" solve "$@" --weights euler --split test --out states.csv model.ode.integrator=euler \
    "model.ode.times=linspace(0 1 5)" model.ode.steps=1 model.ode.control=auto
# Samples stand in the chart evenly chosen; the first is the first of both.
cmp <(awk -F, 'NR > 1 && $3 == "points" { printf "%.5g %.5g\n", $6, $7 }' depth.csv | head -4) \
    <(awk -F, '$1 == 0 && $2 < 1 { printf "%.5g %.5g\n", $2, $3 }' states.csv) || fail "Euler is evaluated elsewhere"
expect 0 "depth in depth.svg" plot depth euler --out depth.svg
has depth.svg "4 evaluations"
expect 0 "ode: evaluations" solve p0-1 --split test --out states.csv run.workers=1 data.test_batch=1000
evaluations=$(sed -n 's/.*evaluations \([0-9]*\)[, ].*/\1/p' out)
expect 0 "phase in phase.svg" plot phase p0-1 --out phase.svg
has phase.svg "evaluated $evaluations times"
expect 0 "density in density.csv" plot density p0-1 --out density.csv
awk -F, '$3 == "cells" { n[$1]++; if ($8 > most[$1]) most[$1] = $8; if (!($8 >= 0 && $8 <= 1)) bad++ }
    END { exit !(n[0] == 1600 && n[1] == 1600 && most[0] == 1 && most[1] == 1 && bad == 0) }' density.csv ||
    fail "densities of other cells"
expect 3 "its state has 3 numbers" plot density p1-1 --out x.svg
expect 0 "flow in flow.svg" plot flow p0-1 --out flow.svg

# ---- what a state's numbers are called ----
awk 'BEGIN { print "t,<b>&x,=y"; for (i = 0; i < 40; i++) printf "%g,%g,%g\n", i / 10, cos(i / 10), -sin(i / 10) }' >named.csv
cat >named.ini <<'END'
[run]
iterations = 3
[data]
dataset = trajectories
source  = csv(path=named.csv)
time    = t
values  = <b>&x =y
window  = 5
batch   = 8
[model.ode]
layer      = ode(times=batch, initial=first)
integrator = rk4
steps      = 1
gradient   = direct
[model.ode.f]
layer     = formula
equations = position' = a*speed | speed' = -position
constants = a=1
learn     = a
[train]
loss      = mse
optimizer = sgd(lr=1e-3)
END
expect 0 "results in" train named.ini run.out=columns
expect 0 "path in path.csv" plot path columns --out path.csv
has path.csv ',line,1,"<b>&x",'
has path.csv ',line,1," =y",'
expect 0 "phase in phase.svg" plot phase columns --out phase.svg
has phase.svg ">&lt;b&gt;&amp;x<"
has phase.svg ">=y<"
expect 0 "results in" train named.ini run.out=numbered "data.values=1 2"
expect 0 "phase in phase.svg" plot phase numbered --out phase.svg
has phase.svg ">position<"
has phase.svg ">speed<"
sed '/^layer     = formula/,/^learn/c layer = dense(units=state)' named.ini >nameless.ini
expect 0 "results in" train nameless.ini run.out=nameless data.values=1..2
expect 0 "phase in phase.svg" plot phase nameless --out phase.svg
has phase.svg ">y₀<"

# ---- tables ----
cat >compare.csv <<'END'
integrator,tolerance,steps,error,evals,accepted,rejected,ms,reason
euler,,8,0.1,8,8,0,0.5,
euler,,16,0.05,16,16,0,1,
rk4,,8,1e-6,32,8,0,1.5,
leapfrog,,8,,,,,,"cannot, at all"
END
expect 0 "work_precision in work.csv" plot work_precision compare.csv --out work.csv
[ "$(cells work.csv line euler | head -2 | xargs)" = "8 0.1 16 0.05" ] || fail "other errors than in the table"
[ -z "$(cells work.csv line leapfrog)" ] || fail "a line of an integrator without numbers"
expect 0 "ms" compare "$source/conf/kaps.ini" --work-precision --csv --integrators 'euler|tsit5' --tolerances 1e-3
cp out real.csv
expect 0 "work_precision in" plot work_precision real.csv --out real.svg
expect 0 "" lr-find "$@" --batches 12 --csv
cp out rates.csv
expect 0 "lr_find in lr.csv" plot lr_find rates.csv --out lr.csv
[ "$(awk -F, 'NR > 1 && $2 == 1' lr.csv | wc -l)" -eq "$(($(wc -l <rates.csv) - 1))" ] || fail "other rates than in the table"
printf 't,bytes: direct,bytes: adjoint,evals\n1,10,5,3\n2,20,5,4\n' >two.csv
expect 0 "curves in curves.csv" plot curves two.csv --out curves.csv
[ "$(cells curves.csv line adjoint | xargs)" = "1 5 2 5" ] || fail "another line of the adjoint"
[ "$(cut -d, -f1 curves.csv | sort -u | xargs)" = "0 1 panel" ] || fail "not two panels"
printf 'who,t,y\nb,1,2\n"a<b",2,4\nb,3,5\n' >words.csv
expect 0 "curves in words.svg" plot curves words.csv --out words.svg
has words.svg "a&lt;b"
for bad in '' 'x' 'x\n1\n' 'name,y\nfoo,1\n'; do
    printf "$bad" >bad.csv
    expect 3 "curves: nothing to draw: a file NAME.csv is drawn" plot curves bad.csv --out x.svg
done
printf 'x,y\n1,2,3\n' >bad.csv
expect 3 "bad.csv:2: more than 2 cells" plot curves bad.csv --out x.svg
expect 5 "none.csv" plot curves none.csv --out x.svg
expect 3 "the columns lr, loss and smooth" plot lr_find two.csv --out x.svg
expect 3 "the columns integrator, error and evals" plot work_precision p0-1 --out x.svg
expect 3 "loss: nothing to draw" plot loss two.csv --out x.svg
expect 2 "two.csv" plot curves two.csv --out two.csv
expect 5 "two.csv" report two.csv

# ---- the figures of conf/figures ----
for file in "$source"/conf/figures/*.ini; do
    expect 0 "ok" check "$file"
done
export ODEON=$odeon
bash "$source/conf/figures/make.sh" --out made rknet_article lane_emden >out 2>err || fail "make.sh"
has made/rknet_article.svg "article"
has made/lane_emden.svg "rk4 with h = 0.5"
! bash "$source/conf/figures/make.sh" --out made no_such_figure >out 2>err || fail "make.sh draws what is none"
has err "no figure is named 'no_such_figure'"
awk -F'[](]' '/^[|] `/ { for (i = 2; i <= NF; i++) if ($i ~ /[.](svg|png)[)]/) { sub(/[)].*/, "", $i); print $i } }' \
    "$source/conf/figures/README.md" >named
while read -r file; do
    [ -s "$source/conf/figures/$file" ] || fail "README names $file, which is not there"
done <named
[ "$(wc -l <named)" -ge 20 ] || fail "README names few figures"
[ ! -e x.svg ] || fail "a file where there is nothing to draw"
echo ok
