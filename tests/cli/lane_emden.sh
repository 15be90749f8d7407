#!/usr/bin/env bash
# The Lane-Emden equation: the exact solutions for three m, and the table of methods as recorded.
. "$1/tests/support/cli.sh"
conf=$source/conf

# along M: y and z of conf/lane_emden.ini at its eleven x.
along() {
    expect 0 "star: evaluations" solve "$conf/lane_emden.ini" "let.m=$1" --out states.csv
    [ "$(wc -l <states.csv)" -eq 12 ] || fail "m = $1: not a heading and eleven lines"
    tail -n +2 states.csv | awk -F, -v m="$1" '{
        x = $2; r = 1 + x ^ 2 / 3
        y = m == 0 ? 1 - x ^ 2 / 6 : m == 1 ? sin(x) / x : r ^ -0.5
        z = m == 0 ? -x / 3 : m == 1 ? (cos(x) - sin(x) / x) / x : -x / 3 * r ^ -1.5
        # tolerance 1e-9 in a step, some 80 steps, mostly of one sign
        if (($3 - y) ^ 2 + ($4 - z) ^ 2 > 1e-16) exit 1
    }' || fail "m = $1: not the exact solution"
}
for m in 0 1 5; do
    along $m
done

"$conf/lane_emden.sh" --odeon "$odeon" >table
# Counts are the same, errors to one in the second digit; below 2e-12 rounding decides.
awk -F'|' '
    function number(text) { sub(/< /, "", text); return text + 0 }
    NR == FNR { row[FNR] = $0; n = FNR; next }
    {
        split(row[FNR], golden, "|")
        for (i = 2; i <= 4; i++) if ($i != golden[i]) { print "row " FNR ": " $0; bad = 1 }
        for (i = 5; i <= 7 && FNR > 2; i++) {
            a = number($i); b = number(golden[i])
            gap = a > b ? a - b : b - a
            if (gap > 0.11 * b && (a > 2e-12 || b > 2e-12)) { print "row " FNR ": " $0; bad = 1 }
        }
        m = FNR
    }
    END { exit bad || n != m }' "$source/tests/golden/lane_emden" table || fail "another table"
answer=0
"$conf/lane_emden.sh" --wrong >out 2>err || answer=$?
[ "$answer" -eq 2 ] || fail "an unknown option passes"
