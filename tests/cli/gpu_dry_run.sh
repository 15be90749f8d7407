#!/usr/bin/env bash
# tests/gpu/run.sh without a GPU: every part of it that needs none, in small, on a device that
# records and replays as a GPU does.
. "$1/tests/support/cli.sh"
unset DEPS BUDGET SEED WORK
python=/usr/bin/python3
if ! "$python" -c 'import array, csv, glob, json, math, os, struct' 2>/dev/null; then
    echo "not covered: tables of tests/gpu (no $python with csv, json and the like, which makes them)"
    exit 0
fi
BUILD=$build DEVICE=remote OUT=$work/tables PYTHON=$python "$source/tests/gpu/run.sh" \
    >out 2>err || fail "run.sh: $(grep -h FAILED tables/results.tsv) $(tail -n 3 err)"

# Every model was timed, solve and step, and has its place in the tables.
for c in a b c d e; do
    for what in forward train; do
        grep -qE "^time	odeon	$c	$what	2	[1-9]" tables/results.tsv ||
            fail "case $c: no time of $what: $(cat tables/results.tsv)"
    done
    grep -q "^check	gradients $c float64	ok" tables/results.tsv || fail "case $c: no gradients"
done
[ "$(grep -c '^| [a-e] | odeon | 2 |' tables/RESULTS.md)" -eq 10 ] || fail "RESULTS.md: no ten rows"
[ "$(grep -c '^operator' tables/results.tsv)" -ge 25 ] || fail "too few operators were timed"
for part in operators 'times of operators' 'curves a' 'curves b' 'capture a' 'capture c' 'capture d'; do
    grep -q "^| $part | ok |" tables/RESULTS.md || fail "RESULTS.md: no $part"
done
# What a machine lacks is said.
for part in torchdiffeq diffrax sanitizer; do
    grep -qE "^(skip|time)	$part" tables/results.tsv || fail "$part was neither measured nor left out"
done

# What is compared differs where it differs: one loss of three, by a tenth.
printf 'split,loss,accuracy\ntrain,2,\ntrain,1,\ntrain,1,\ntest,1,0.5\n' >a.csv
sed 's/train,1,/train,1.1,/' a.csv | sed '4s/1.1/1/' >b.csv
found=$("$python" "$source/tests/gpu/compare.py" losses a.csv b.csv)
[ "$found" = "0 0.1 0.5000 0.5000 0.1 3" ] || fail "compare.py finds $found"
