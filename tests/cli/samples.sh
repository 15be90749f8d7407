#!/usr/bin/env bash
# step = sample: what a sample comes to depends neither on its batch nor on the workers, in every
# command; steps are listed sample by sample and can be made again so.
. "$1/tests/support/cli.sh"

awk 'BEGIN { print "x,v,m"; for (i = 0; i < 7; i++)
    printf "%g,%g,%g\n", 2 - i / 2, i / 5, 10 ^ (i / 3 - 1) }' >table.csv
cat >oscillators.ini <<'END'
[run]
dtype = float64
name = oscillators
iterations = 6
[data]
dataset = csv(path=table.csv, inputs=0..2, label=0..2, test_fraction=0)
batch = 7
test_batch = 7
[model.ode]
layer = ode(span=0 3, step=sample)
integrator = tsit5
rtol = 1e-7
atol = 1e-7
gradient = direct
[model.ode.f]
layer = formula(equations=x' = v | v' = b*m*(1-x^2)*v - x | m' = 0*m, constants=b=1, learn=b)
[train]
loss = mse
optimizer = sgd(lr=1e-4)
END

# Neither batches nor workers change a state, and one by one the samples are what they are together.
solve=(solve oscillators.ini --split test --out)
expect 0 ", accepted of a sample " "${solve[@]}" all.csv run.workers=1
for other in "run.workers=2" "run.workers=3 data.test_batch=2" "data.test_batch=1" \
    "data.test_batch=1 model.ode.step=batch"; do
    read -ra overrides <<<"$other"
    expect 0 "ode: evaluations " "${solve[@]}" other.csv "${overrides[@]}"
    cmp all.csv other.csv || fail "other states with $other"
done
expect 0 "ode: evaluations " "${solve[@]}" other.csv model.ode.step=batch
! cmp -s all.csv other.csv || fail "steps of the batch are those of each sample"
! grep -q "of a sample" out || fail "a spread of steps that all samples share"

# Nor do products, although OpenBLAS computes a row in one way or another by how many there are.
awk 'BEGIN { for (i = 0; i < 24; i++) for (j = 0; j < 70; j++)
    printf "%s%s", i ? sin(i * 3.1 + j * 1.7) * (i % 5 + 1) : "c" j, j < 69 ? "," : "\n" }' >wide.csv
sed -e '/f\]/,/^\[train/{/^layer/d;/^\[model/d}' -e 's/table.csv/wide.csv/' -e 's/0\.\.2/0..69/g' \
    -e 's/tol = 1e-7/tol = 1e-4/' -e 's/batch = 7/batch = 23/' \
    oscillators.ini >wide.ini
cat >>wide.ini <<'END'
[model.ode.a]
layer = dense(units=90)
then = tanh
[model.ode.b]
layer = dense(units=state)
END
expect 0 "" solve wide.ini --split test --out all.csv run.workers=1
for other in "run.workers=2" "run.workers=3 data.test_batch=5" "data.test_batch=1"; do
    read -ra overrides <<<"$other"
    expect 0 "" solve wide.ini --split test --out other.csv "${overrides[@]}"
    cmp all.csv other.csv || fail "other states behind products with $other"
done

# Which solves go side by side.
expect 0 "oscillators.ini: ok" check oscillators.ini
! grep -q "one sample after the other" out || fail "an explicit tableau goes sample by sample"
expect 0 "side by side: the integrator is no explicit tableau" check oscillators.ini \
    model.ode.integrator=kvaerno3
sed '/tol = /d' oscillators.ini >given.ini
expect 0 "side by side: steps are given" check given.ini model.ode.steps=3

# Predictions and evaluations too.
expect 0 "" train oscillators.ini run.out=run
for workers in 1 3; do
    expect 0 "" predict run --split test --out p$workers.csv run.workers=$workers
    expect 0 "test loss" eval run run.workers=$workers data.test_batch=$workers
    cp out eval$workers
done
cmp p1.csv p3.csv || fail "three workers predict other numbers"
cmp <(grep loss eval1) <(grep loss eval3) || fail "three workers evaluate another loss"
head -n 1 run/metrics.csv | grep -q 'ode.steps_min,ode.steps_mean,ode.steps_max$' ||
    fail "no columns of the spread"

# A run that goes on is one that was never stopped.
expect 0 "" train oscillators.ini run.out=half run.iterations=3
expect 0 "on from step 3" train half --resume run.iterations=6
cmp run/weights.safetensors half/weights.safetensors || fail "resumed to other weights"

# A failure names its sample and leaves its attempts, which are repeated.
expect 6 "worst sample: 6 of the batch (" train oscillators.ini run.out=fail \
    model.ode.max_steps=100 run.workers=3 data.shuffle=no
[ "$(wc -l <fail/failure/steps-ode.csv)" -eq 101 ] || fail "not a hundred attempts"
expect 6 "$(cat fail/failure/message.txt)" replay fail/failure --out again
cmp fail/failure/steps-ode.csv again/steps-ode.csv || fail "a replay fails in another way"

# Steps of each sample, made again.
expect 0 "" grad oscillators.ini --batch fail/failure/batch.safetensors --out g.safetensors --steps steps.csv
[ "$(head -n 1 steps.csv)" = sample,t,h ] || fail "steps.csv begins with $(head -n 1 steps.csv)"
[ "$(tail -n +2 steps.csv | cut -d, -f1 | uniq | xargs)" = "0 1 2 3 4 5 6" ] || fail "other samples"
expect 0 "" grad oscillators.ini --batch fail/failure/batch.safetensors --out r.safetensors --steps again.csv \
    "model.ode.control=replay(path=$work/steps.csv)" run.workers=2
cmp steps.csv again.csv || fail "a replay takes other steps"
expect 3 "steps.csv: lists the steps of each sample" check oscillators.ini model.ode.step=batch \
    "model.ode.control=replay(path=$work/steps.csv)"
sed '3s/,[^,]*$/,0/' steps.csv >bad.csv
expect 3 "bad.csv:3: expected two numbers t,h with h not 0" check oscillators.ini \
    "model.ode.control=replay(path=$work/bad.csv)"

# Windows of uneven observations have times of their own: those of the table from their first row.
expect 0 ", accepted of a sample " solve "$source/conf/pendulum.ini" --split test --out windows.csv \
    run.workers=2
awk -F, 'NR == FNR { t[FNR - 2] = $1; next }
    FNR > 1 { d = $2 - (t[$1 + n[$1]++] - t[$1]); if (d * d > 1e-24) exit 1 }
    END { if (FNR != 1111) exit 1 }' "$source/conf/pendulum.csv" windows.csv ||
    fail "windows have other times"
echo ok
