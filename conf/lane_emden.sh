#!/bin/sh
# Writes a table of conf/lane_emden.ini, as Markdown: how far methods are from the exact y at x = 5, for
# how many evaluations of the right-hand side.
#
#   conf/lane_emden.sh [--odeon FILE]
set -eu

conf=$(cd "$(dirname "$0")" && pwd)
odeon=$(dirname "$conf")/build/odeon
if [ "${1:-}" = --odeon ] && [ $# -eq 2 ]; then
    odeon=$2
elif [ $# -gt 0 ]; then
    echo "usage: conf/lane_emden.sh [--odeon FILE]" >&2
    exit 2
fi
[ -x "$odeon" ] || { echo "lane_emden.sh: $odeon is missing: build first, see README.md" >&2 && exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# solve M OVERRIDE...: sets evaluations and error; errors near rounding depend on the machine.
solve() {
    m=$1
    shift
    "$odeon" solve "$conf/lane_emden.ini" "let.m=$m" "model.star.times=1e-3 5" "$@" \
        --out "$work/states" >"$work/counters"
    evaluations=$(sed -n 's/.*evaluations \([0-9]*\),.*/\1/p' "$work/counters")
    error=$(tail -n 1 "$work/states" | awk -F, -v m="$m" '{
        exact = m == 0 ? 1 - $2 ^ 2 / 6 : m == 1 ? sin($2) / $2 : 1 / sqrt(1 + $2 ^ 2 / 3)
        error = $3 < exact ? exact - $3 : $3 - exact
        printf error < 1e-12 ? "< 1e-12" : "%.1e", error
    }')
}

# row METHOD WHAT OVERRIDE...: the three m in one line.
row() {
    method=$1 what=$2 counts='' errors=''
    shift 2
    for m in 0 1 5; do
        solve $m "model.star.integrator=$method" "$@"
        counts="$counts${counts:+ / }$evaluations"
        errors="$errors $error |"
    done
    one=${counts%% *}
    [ "$counts" != "$one / $one / $one" ] || counts=$one
    echo "| $method | $what | $counts |$errors"
}

echo "| method | steps | evaluations (m = 0 / 1 / 5) | error, m = 0 | m = 1 | m = 5 |"
echo "| --- | --- | --- | --- | --- | --- |"
for method in euler modified_euler 'adams_bashforth(order=4)' rk4 tsit5 dopri5 dopri8; do
    for steps in 16 32 64 128; do
        row "$method" "$steps equal" "model.star.steps=$steps"
    done
done
for method in bosh3 tsit5 dopri5 dopri8; do
    for tolerance in 1e-3 1e-6 1e-9; do
        row "$method" "tolerance $tolerance" "model.star.rtol=$tolerance" "model.star.atol=$tolerance"
    done
done
