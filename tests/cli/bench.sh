#!/usr/bin/env bash
# bench: what it prints and what it refuses. No figure that depends on the machine is looked at.
. "$1/tests/support/cli.sh"
toy 64 32
quick=(--seconds 0 --samples 2)
model=("$ini/small.ini" data.path=toy data.batch=16 data.test_batch=16 run.workers=1)

# A step unless something else is wanted; nothing is written.
expect 0 "step, batch 16" bench "${model[@]}" "${quick[@]}"
has out "[0] as configured: "
has out "best of its own operators here: "
[ ! -e runs ] || fail "bench leaves a run"
[ "$(grep -c '^\[0\] ' out)" -eq 2 ] || fail "not one heading and one row"

# Several, of two configurations, as CSV: a row for each, with the same evaluations.
expect 0 "what,variant,name,batch" bench "${model[@]}" "${quick[@]}" --csv \
    --what step,evaluate,solve --compare reference --compare "run.workers=2 run.dtype=float64"
for what in step evaluate solve; do
    [ "$(grep -c "^$what," out)" -eq 3 ] || fail "not three rows of $what"
done
columns=$(head -n 1 out | tr ',' '\n' | wc -l)
awk -F, -v n="$columns" 'NF != n { exit 1 }' out || fail "rows of CSV differ in length"
[ "$(grep '^step,' out | head -n 2 | awk -F, '{ print $15 }' | sort -u | wc -l)" -eq 1 ] ||
    fail "two devices need different evaluations"
grep '^evaluate,' out | awk -F, '$16 != 0 { exit 1 }' || fail "an evaluation goes backward"

# Operators by their shapes, and one of them alone.
expect 0 "  gemm a=16x49 b=16x49 bias=16 c=16x16 trans_b=1 act=tanh" bench "${model[@]}" \
    "${quick[@]}" --what operators
has out "operators, batch 16, of the first worker"
expect 0 "gemm a=" bench "${model[@]}" "${quick[@]}" --operator gemm --csv
[ "$(tail -n +2 out | cut -d, -f3 | grep -vc '^"gemm ')" -eq 0 ] || fail "not gemm alone"

# As JSON, which python reads where it is there, whole.
expect 0 '"variants": [' bench "${model[@]}" "${quick[@]}" --json
! has_python json || python3 -c '
import json
x = json.load(open("out"))
assert [row["what"] for row in x["rows"]] == ["step"] and len(x["variants"]) == 1
assert x["rows"][0]["evals_forward"] > 0 and x["rows"][0]["operations"] > 0' ||
    fail "JSON has other rows"

# Equations alone are solved from zeros.
cat >alone.ini <<'INI'
[model.ode]
layer = ode(steps=2, initial=1)
integrator = euler
gradient = direct
[model.ode.f]
layer = formula(equations=a' = a)
INI
expect 0 "solve, batch 1" bench alone.ini "${quick[@]}" --what solve,operators
has out "lincomb x=1*"
expect 2 "bench: step: without [data] and [train] a model can be solved only" bench alone.ini \
    "${quick[@]}" --what step

# What is refused, before anything is timed.
expect 2 "--what steps: must be step, evaluate, solve or operators" bench "${model[@]}" \
    --what steps
expect 2 "--what : must be step" bench "${model[@]}" --what step,
expect 2 "--operator con2d: there is no such operator, did you mean conv2d?" bench "${model[@]}" \
    --operator con2d
expect 2 "--operator conv2d: the model does not call it" bench "${model[@]}" "${quick[@]}" \
    --operator conv2d
expect 2 "--seconds x: must be a number" bench "${model[@]}" --seconds x
expect 2 "--seconds -1: must be a number" bench "${model[@]}" --seconds -1
expect 2 "--samples 0: must be a whole number" bench "${model[@]}" --samples 0
expect 2 "no device is named 'nowhere'" bench "${model[@]}" --compare nowhere
expect 2 "--compare: needs a device or an override" bench "${model[@]}" --compare ""
expect 2 "bench: one of --csv and --json, not both" bench "${model[@]}" --csv --json
expect 2 "there is nothing to solve" bench "${model[@]}" "${quick[@]}" --what solve \
    model.ode.enabled=no
expect 3 "missing: " bench "$ini/small.ini" data.path=missing "${quick[@]}"
expect 2 "usage: odeon bench INI" bench
expect 2 "'train' takes no option --compare" train "$ini/small.ini" --compare reference

# An operator by itself: what a table lists can be given back.
alone=("$ini/small.ini" data.path=nowhere "${quick[@]}")
expect 0 "  conv2d x=2x3x8x8 w=4x3x3x3 y=2x4x4x4 stride=2 padding=1 act=relu" bench "${alone[@]}" \
    --operator "conv2d x=2x3x8x8 w=4x3x3x3 stride=2 padding=1 act=relu" --compare reference
[ "$(grep -c '^\[[01]\] .* 1.00  conv2d\|^\[1\]' out)" -ge 2 ] || fail "not two devices"
for text in "gemm a=8x4 b=3x4 bias=3 c=8x3 trans_b=1 act=tanh" "lincomb x=100*7 base=100 y=100" \
    "unary_vjp kept=9 dy=9 dx=9 id=relu" "group_norm x=2x6x10 w=6 b=6 y=2x6x10 stats=2x3x2 groups=3" \
    "conv2d_vjp_x w=4x3x3x3 dy=2x4x6x6 dx=2x3x8x8 stride=1" "dot a=5 b=5" "fill y=6x6" \
    "conv2d_vjp_w x=2x3x8x8 dy=2x4x6x6 dw=4x3x3x3 stride=1" "binary a=7 b=7 y=7 id=mul float64"; do
    expect 0 ",\"$text\"," bench "${alone[@]}" --csv --operator "$text"
done
expect 2 "gemm: c=8x5 does not fit, expected 8x3" bench "${alone[@]}" \
    --operator "gemm a=8x4 b=4x3 c=8x5"
expect 2 "gemm: a and b do not fit: 4 against 5" bench "${alone[@]}" --operator "gemm a=8x4 b=5x3"
expect 2 "gemm: b: must be given" bench "${alone[@]}" --operator "gemm a=8x4"
expect 2 "gemm: a=8xy: must be sizes such as" bench "${alone[@]}" --operator "gemm a=8xy b=4x3"
expect 2 "gemm: z=1: the operator has no such field" bench "${alone[@]}" \
    --operator "gemm a=8x4 b=4x3 z=1"
expect 2 "conv2d: x and w do not fit: channels 3 and 2" bench "${alone[@]}" \
    --operator "conv2d x=2x3x8x8 w=4x2x3x3"
expect 2 "sgd_step: is timed within a model only" bench "${alone[@]}" --operator "sgd_step p=4"
expect 2 "gemm: act=abs: must be the name of a function" bench "${alone[@]}" \
    --operator "gemm a=8x4 b=4x3 act=abs"
expect 2 "unary: id=99: must be the name of a function" bench "${alone[@]}" \
    --operator "unary x=4 id=99"
