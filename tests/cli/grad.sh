#!/usr/bin/env bash
# grad: reads a batch, writes output, loss and gradients; its own output serves as no input.
. "$1/tests/support/cli.sh"

# word N BYTES: N as BYTES bytes, the lowest first.
word() {
    local n=$1 i
    for ((i = 0; i < $2; i++)); do
        printf "\\x$(printf %02x $((n & 255)))"
        n=$((n >> 8))
    done
}

# batch FILE N: zeros as N samples of [1,28,28], labels 0.
batch() {
    local x=$((4 * 784 * $2)) y=$((8 * $2))
    local header="{\"x\":{\"dtype\":\"F32\",\"shape\":[$2,1,28,28],\"data_offsets\":[0,$x]},"
    header+="\"y\":{\"dtype\":\"I64\",\"shape\":[$2],\"data_offsets\":[$x,$((x + y))]}}"
    word ${#header} 8 >"$1"
    printf %s "$header" >>"$1"
    head -c $((x + y)) /dev/zero >>"$1"
}

batch two.safetensors 2
expect 0 "ode: evaluations " grad "$ini/small.ini" --batch two.safetensors --out g.safetensors \
    --dtype float64 --steps steps.csv
for name in '"output":{"dtype":"F64","shape":[2,10]' '"grad.x":{"dtype":"F64","shape":[2,1,28,28]' \
    '"loss":{"dtype":"F64","shape":[]' '"grad.ode.field.weight":{"dtype":"F64","shape":[16,49]' \
    '"grad.head.bias":{"dtype":"F64","shape":[10]' '"ode.evals_forward":"'; do
    grep -aqF "$name" g.safetensors || fail "grad's file has no $name"
done
[ "$(head -n 1 steps.csv)" = t,h ] || fail "steps.csv begins with $(head -n 1 steps.csv)"

# The recorded steps can be replayed.
expect 0 "loss" grad "$ini/small.ini" --batch two.safetensors --out r.safetensors --dtype float64 \
    "model.ode.control=replay(path=$work/steps.csv)" --steps again.csv
cmp steps.csv again.csv || fail "a replay takes other steps"

# float32 is the run's dtype unless told otherwise.
expect 0 "loss" grad "$ini/small.ini" --batch two.safetensors --out f.safetensors
grep -aqF '"output":{"dtype":"F32"' f.safetensors || fail "not in the run's dtype"

# Dual numbers say how far a gradient is from the loss: of the steps' own gradient not at all, of a
# continuous adjoint with two steps by much. The values stay the same.
slope() { # ARGUMENTS: the distance
    "$odeon" grad "$ini/small.ini" --batch two.safetensors --out slope.safetensors --dtype float64 \
        --slope "$@" | sed -n 's/^slope: .*they differ by //p'
}
exact=$(slope model.ode.gradient=direct)
awk "BEGIN { exit !($exact <= 1e-12) }" || fail "a direct gradient has slope '$exact'"
expect 0 "loss" grad "$ini/small.ini" --batch two.safetensors --out d.safetensors --dtype float64 \
    model.ode.gradient=direct
cmp slope.safetensors d.safetensors || fail "dual numbers change values"
far=$(slope model.ode.gradient=adjoint)
awk "BEGIN { exit !($far > 1e-9) }" || fail "an adjoint's gradient has slope '$far'"
expect 0 "they differ by" grad "$ini/small.ini" --batch two.safetensors --out s.safetensors --slope

expect 3 "no tensor x" grad "$ini/small.ini" --batch g.safetensors --out h.safetensors
[ ! -e h.safetensors ] || fail "a refused batch left a file"
expect 5 "absent" grad "$ini/small.ini" --batch absent --out h.safetensors
expect 5 "nowhere" grad "$ini/small.ini" --batch two.safetensors --out nowhere/h.safetensors
expect 2 "the model has no ODE block" grad "$ini/small.ini" --batch two.safetensors \
    --out h.safetensors --steps s.csv model.ode.enabled=no
