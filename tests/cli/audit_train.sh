#!/usr/bin/env bash
# [audit] every = N: a run says how wrong its gradients are, and is the same run.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=100 run.epochs=2 # six steps

# errors FOLDER: gradient_error of the rows of training, one a line.
errors() {
    awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "gradient_error") at = i }
        NR > 1 && $4 == "train" { print at ? $at : "no column" }' "$1/metrics.csv"
}

expect 0 "results in" train "$@" run.out=plain
[ "$(errors plain | sort -u)" = "no column" ] || fail "a column without [audit]"
expect 0 "results in" train "$@" audit.every=3 run.out=seen
cmp plain/weights.safetensors seen/weights.safetensors || fail "an audit has changed the weights"
[ "$(errors seen | awk '{ printf $1 != "" ? "x" : "-" }')" = x-x--x ] || fail "not after steps 1, 3, 6: $(errors seen)"
grep -q "^audit,0\.[0-9]*[1-9]" seen/times.csv || fail "its time is not told: $(cat seen/times.csv)"
awk '$1 != "" && !($1 > 0 && $1 < 0.02) { exit 1 }' <(errors seen) || fail "errors: $(errors seen)"

# A tighter tolerance is less wrong; the error of one step is what odeon audit says of its weights.
expect 0 "results in" train "$@" audit.every=6 model.ode.rtol=1e-6 model.ode.atol=1e-6 run.dtype=float64 run.out=tight
awk 'NR == FNR { loose = $1; next } { exit !($1 < loose / 20) }' \
    <(errors seen | tail -1) <(errors tight | tail -1) || fail "$(errors seen) and $(errors tight)"
expect 0 "results in" train "$@" audit.every=4 data.batch=64 data.shuffle=no run.out=same
expect 0 "error" audit "$ini/small.ini" "$data" data.batch=64 data.shuffle=no train.weights=same/weights.safetensors \
    --methods direct --directions 0 --tolerances 1e-3 --csv
said=$(awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["group"] == "all" { print $c["error"] }' out)
awk -v a="$said" -v b="$(errors same | tail -1)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < (0.01 * a) ^ 2) }' ||
    fail "odeon audit says $said, the run $(errors same | tail -1)"

# Warnings, with what helps.
expect 0 "results in" train "$@" audit.every=1 audit.error=1e-9 run.out=warned
has err "warning: step 1: the gradient is off by "
[ "$(grep -c "the gradient is off by" err)" -eq 1 ] || fail "more than one warning"
expect 0 "results in" train "$@" audit.every=6 audit.drift=1e-9 model.ode.gradient=adjoint run.out=drift
has err "warning: step 1: ode: solved backward, the state comes back off by "
has err "gradient = checkpoint or direct solves nothing backward"

# A run that goes on has the same rows.
rm seen/checkpoints/ckpt-6.safetensors
[ -e seen/checkpoints/ckpt-3.safetensors ] || skipped=1
[ -n "${skipped:-}" ] || expect 0 "on from step 3" train seen --resume

# What cannot be is said before there is a run.
sed '/^\[model.ode\]/,/^\[model.head\]/{/^\[model.head\]/!d}' "$ini/small.ini" >flat.ini
expect 2 "audit.every: the model has no ODE block" train flat.ini "$data" audit.every=1 run.out=no
expect 2 "[audit]" train "$@" audit.error=0.5 run.out=no
expect 2 "every" train "$@" audit.every=0 run.out=no
[ ! -e no ] || fail "a run that cannot be has left a folder"
