#!/usr/bin/env bash
# solve: the states along a block, with data and without.
. "$1/tests/support/cli.sh"

cat >circle.ini <<'EOF'
[run]
dtype = float64
[model.ode]
layer = ode(times=0 0.5 1 2, initial=1 0)
integrator = dopri8
rtol = 1e-12
atol = 1e-12
gradient = direct
[model.ode.f]
layer = formula(equations=x' = w*y | y' = -w*x, constants=w=1, learn=w)
EOF

# near FILE: rows t, cos t, -sin t.
near() {
    tail -n +2 "$1" | awk -F, '{
        a = $3 - cos($2); b = $4 + sin($2)
        if (a * a + b * b > 1e-18) exit 1 # the dense output is of order 5
    }' || fail "$1 is not the circle"
}

# No data: standard output has the states and nothing else.
expect 0 "sample,t,y0,y1" solve circle.ini
[ "$(wc -l <out)" -eq 5 ] || fail "not a heading and four times"
[ "$(cut -d, -f1,2 out | xargs)" = "sample,t 0,0 0,0.5 0,1 0,2" ] || fail "other times"
near out
has err "ode: evaluations "
cp out states
expect 0 "ode: evaluations " solve circle.ini --out circle.csv
cmp circle.csv states || fail "a file has other states than standard output"
[ ! -s err ] || fail "something on stderr"

# What is only solved names no gradient; its normal form does.
sed '/^gradient/d' circle.ini >plain.ini
expect 0 "sample,t,y0,y1" solve plain.ini
cmp out states || fail "without a gradient there are other states"
expect 2 "no gradient is named 'backprop'" solve plain.ini model.ode.gradient=backprop

# A span gives its end alone.
expect 0 "" solve circle.ini "model.ode.layer=ode(span=0 2, initial=1 0)"
[ "$(cut -d, -f1,2 out | xargs)" = "sample,t 0,2" ] || fail "a span has more than its end"
tail -n 1 states | cmp - <(tail -n 1 out) || fail "a span ends elsewhere"

# Fixed steps are counted; a method's too.
expect 0 "evaluations 12, steps 12 accepted 0 rejected" solve circle.ini --out o.csv \
    model.ode.integrator=euler model.ode.steps=4

# Parameters come from a file, and the model may start with a layer.
cat >start.ini <<'EOF'
include = circle.ini
[model.start]
layer = formula(equations=c = 1 | s = 0*n, inputs=n, outputs=c s)
[model.ode]
layer = ode(times=0 0.5 1 2)
EOF
sed '/^include/d' start.ini >body.ini
{ sed -n '/^\[run\]/,/^dtype/p' circle.ini; sed -n '/start/,/outputs/p' body.ini
    sed '/^\[run\]/,/^dtype/d; s/, initial=1 0//' circle.ini; } >started.ini
expect 0 "sample,t" solve started.ini
cmp out states || fail "a layer before the block starts it elsewhere"
expect 2 "these equations take [B,2]" solve started.ini "model.start.outputs=c"

# check takes such an INI, the rest says why not.
expect 0 "circle.ini: ok" check circle.ini
for command in train "eval --weights w" "predict --weights w --split test --out p.csv" "grad --batch b.safetensors --out g.safetensors"; do
    read -r -a words <<<"$command"
    expect 2 "without [data] and [train] a model can be solved only" "${words[@]}" circle.ini
done
printf '[data.a]\nlayer = relu\n' | cat - circle.ini >transform.ini
expect 2 "[data.a] needs a [data] whose samples it transforms" check transform.ini
expect 2 "--split test: the INI has no [data]" solve circle.ini --split test
expect 5 "w.safetensors" solve circle.ini --weights w.safetensors
expect 2 "--split some: must be train or test" solve circle.ini --split some
expect 2 "not both" solve circle.ini --split test --in x.npy
expect 5 "no/such/o.csv" solve circle.ini --out no/such/o.csv

# A slow field whose first step must be chosen within the span, and a pulse that has to be named.
sed "s/^layer = ode.*/layer = ode(span=0 1, initial=5)/; s/^layer = formula.*/layer = formula(equations=y' = 0.01*log(2 - t))/" circle.ini >slow.ini
for control in sciml sciml_like torchdiffeq diffrax torchode; do
    expect 0 "sample,t,y0" solve slow.ini "model.ode.control=$control" model.ode.end=clip
    tail -n 1 out | awk -F, '{ d = $3 - 5.0038629436; exit d * d > 1e-18 }' || fail "$control: $(tail -n 1 out)"
done
sed "s/^layer = ode.*/layer = ode(span=0 15, initial=0)/; s/^layer = formula.*/layer = formula(equations=y' = exp(-((t - 7.5)\/0.01)^2))/" circle.ini >pulse.ini
for how in "stops=7.4 7.5 7.6" "h_max=0.02"; do
    expect 0 "sample,t,y0" solve pulse.ini "model.ode.$how"
    tail -n 1 out | awk -F, '{ d = $3 - 0.0177245385; exit d * d > 1e-18 }' || fail "$how: $(tail -n 1 out)"
done

# Late times: in double in a formula; where they are rounded it is said, once, before and in a solve.
sed 's/^dtype.*/dtype = float32/; s/^layer = ode.*/layer = ode(span=1e8 100000001, initial=0)/; s/^\(rtol\|atol\).*/\1 = 1e-6/' circle.ini >base.ini
sed "s/^layer = formula.*/layer = formula(equations=y' = cos(t))/" base.ini >late.ini
expect 0 "sample,t,y0" solve late.ini
tail -n 1 out | awk -F, '{ d = $3 + 0.73405; exit d * d > 1e-10 }' || fail "cos at 1e8: $(tail -n 1 out)"
! grep -q warning err || fail "a warning: $(cat err)"
{ sed '/^layer = formula/d' base.ini; printf 'layer = concat_time\n[model.ode.g]\nlayer = dense(units=state)\n'; } >rounded.ini
for command in solve check; do
    expect 0 "" "$command" rounded.ini
    [ "$(grep -c "layer ode.f takes the time as float32" err)" -eq 1 ] || fail "$command: $(cat err)"
done
expect 0 "" solve rounded.ini run.dtype=float64
! grep -q warning err || fail "a warning: $(cat err)"
expect 0 "" solve rounded.ini "model.ode.span=0 1000"
! grep -q warning err || fail "a warning: $(cat err)"
expect 0 "" solve rounded.ini "model.ode.span=0 1000" model.ode.step_size=0.05
has err "more than a thousandth of a step (0.05)"

# Failures of the numbers.
expect 6 "" solve circle.ini model.ode.max_steps=3
expect 6 "" solve circle.ini model.ode.f.constants=w=1e200

# A network: as many lines as samples and times; batches do not matter where steps are fixed.
toy 64 32
data="data.path=$work/toy"
solve=(solve "$ini/small.ini" "$data" --split test model.ode.steps=4 model.ode.integrator=rk4
    run.device=reference)
expect 2 "--in FILE or --split NAME must be given" solve "$ini/small.ini" "$data"
expect 0 "" "${solve[@]}"
[ "$(wc -l <out)" -eq 33 ] || fail "not a heading and 32 samples"
cp out ends
expect 0 "" "${solve[@]}" data.test_batch=7
cmp out ends || fail "other states in other batches"
expect 0 "" "${solve[@]}" "model.ode.layer=ode(times=0 0.5 1)" model.ode.steps=2
[ "$(wc -l <out)" -eq 97 ] || fail "not three times for each of 32 samples"
awk -F, '$2 == 1 || NR == 1' out | cmp - ends || fail "times end elsewhere than a span"

# Trained weights: the block's are taken, what follows it is not built.
expect 0 "" train "$ini/small.ini" "$data" run.out=run run.epochs=1
expect 0 "" "${solve[@]}" --weights run/weights.safetensors "model.ode.layer=ode(times=0 1)"
awk -F, '$2 == 1 || NR == 1' out | cmp -s - ends && fail "the weights make no difference"
expect 2 "the model has no ODE block" "${solve[@]:0:5}" model.ode.enabled=no
{ sed '/^\[model.ode/,$d' circle.ini; printf '[model.start]\nlayer = formula(equations=c = 1, inputs=n, outputs=c)\n'
    printf '[model.around]\nlayer = residual\n[model.around.ode]\nlayer = ode\nintegrator = rk4\nsteps = 1\ngradient = direct\n'
    printf '[model.around.ode.f]\nlayer = tanh\n'; } >inside.ini
expect 0 "inside.ini: ok" check inside.ini
expect 2 "around.ode: the first ODE block stands within another layer" solve inside.ini

# Events: the times of a bouncing ball, printed and written, of every sample by itself; and too many.
cp "$source"/conf/bouncing_ball.* .
solve=(solve bouncing_ball.ini --split train model.ode.flight.constants=g=9.81
    model.ode.reset.constants=e=0.8 data.window=25)
expect 0 "event: sample 0, t = 0.40385502" "${solve[@]}" --out flights.safetensors
grep -q "^event: .* more (--out NAME.safetensors has all" out || fail "not said that there are more"
for name in event.sample event.t; do
    head -c 2000 flights.safetensors | grep -q "\"$name\"" || fail "flights.safetensors lacks $name"
done
expect 0 "" "${solve[@]}" --out one.csv run.workers=1
expect 0 "" "${solve[@]}" --out three.csv run.workers=3 data.test_batch=2
cmp one.csv three.csv || fail "other flights on three workers"
awk -F, 'FNR == NR { if (FNR > 1) { h[$1 * 25 + int($2 * 10 + 0.5)] = $3 } next }
    FNR > 1 { gap = h[$1 * 25 + int($2 * 10 + 0.5)] - $3; if (gap > 1e-7 || gap < -1e-7) exit 1; n++ }
    END { exit n != 200 }' bouncing_ball.csv one.csv || fail "the flights are others"
expect 6 "ode: more than max_events = 2 events, the last at t = " "${solve[@]}" model.ode.max_events=2
expect 2 "times of events have no tangents" "${solve[@]}" run.device=dual
