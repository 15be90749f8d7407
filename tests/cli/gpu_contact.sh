#!/usr/bin/env bash
# tests/gpu/contact.sh and the times of tests/gpu on the host side of the device cuda: green as it is,
# red where a graph or a convolution is refused; launches and waits of solves and steps as integers.
. "$1/tests/support/cli.sh"
if [ ! -e "$build/test-plugins/device/mocked.so" ] || [ ! -x "$build/tests/gpu/bench_models" ]; then
    cat "$build/not_covered"
    exit 0
fi
contact() { # EXPECTED OUT VARIABLES...
    local wanted=$1 out=$2 code=0
    shift 2
    env DEVICE=mocked BUILD="$build" OUT="$work/$out" PYTHON=/nowhere CASES=b "$@" \
        "$source/tests/gpu/contact.sh" >"$out.said" 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || fail "contact.sh, $*: exit code $code: $(cat "$out.said")"
}
contact 0 green
has green.said "green: go on with run.sh"
for name in device operators-gemm captures recorded-b no_fallback-b; do
    has green/summary.txt "ok    $name"
done
contact 1 graph ODEON_MOCKED_NO_GRAPH=1
has graph/summary.txt "RED   captures"
has graph/summary.txt "with CUDA_LAUNCH_BLOCKING=1: "
contact 1 shape ODEON_MOCKED_NO_SHAPE=all
has shape/summary.txt "RED   no_fallback-b: odeon: warning: "
has shape/summary.txt "own kernels do, slowly"

# Launches and waits of one model: an evaluation, its vjp, a recorded solve and a step of training; and
# the kernels of what is recorded: around the loops, and of one pass. A trial step of the solve is 6
# evaluations of 3 kernels, 6 combinations, the row that is kept, the error, one kernel for all that
# steers the solve, and the choice of the state.
export ODEON_MOCKED_NODES=$work/nodes
bash "$source/tests/support/make_idx.sh" toy 16 64
"$build/tests/gpu/bench_models" --device mocked --cases b --plugins "$build/test-plugins" \
    --root "$source" --data toy --fashion toy --out . --seconds 0 --least 1 --quick yes --batch 2 >times.tsv 2>err ||
    fail "bench_models: $(cat err)"
awk -F '\t' '$1 == "time" { print $4, $15, $16 }' times.tsv | sort >counts
diff - counts <<'END' || fail "launches and waits are other than they were: $(cat counts)"
field 3 0
forward 4 1
train 31 3
vjp 16 0
END
unset ODEON_MOCKED_NODES
diff - nodes <<'END' || fail "kernels of recordings are other than they were: $(cat nodes)"
20 28
75 112
32 0
20 28
6 0
END

# Launches of an evaluation of each.
"$build/tests/gpu/bench_models" --device mocked --evaluation yes --plugins "$build/test-plugins" \
    --root "$source" --data toy --fashion toy --out . --seconds 0 --least 1 --quick yes --batch 1 >times.tsv 2>err ||
    fail "bench_models: $(cat err)"
awk -F '\t' '$1 == "time" { print $3, $15, $16 }' times.tsv >counts
diff - counts <<'END' || fail "launches of an evaluation are other than they were: $(cat counts)"
a 3 0
b 3 0
c 8 0
d 3 0
e 7 0
END
