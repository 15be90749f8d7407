#!/usr/bin/env bash
# Every experiment of conf/ as tests/golden/TABLE has it: it checks, has as many parameters as said,
# and its first losses in float64 are the recorded ones. Here those whose names begin with neither
# mnist nor cifar10, which have tests of their own; and none is missing.
. "$1/tests/support/cli.sh"
. "$source/tests/support/experiments.sh"
table=$source/tests/golden/TABLE

# rows NAME: how many rows of an experiment have TEXT in COLUMN.
rows() {
    awk -F'|' -v name="$1" -v column="$2" -v text="$3" '
        { gsub(/ /, "", $1) } $1 == name && $column ~ text { n++ } END { print n + 0 }' "$table"
}

check_rows -vE '^(mnist|cifar10)_'

companions=('\.(enabled=no|layer=identity)' '\.layer=residual')

# None is missing, nor a companion of an ODE block on images.
for file in "$source"/conf/*.ini; do
    name=$(basename "$file" .ini)
    [ "$name" != reference ] || continue
    text=$(whole "$file" | sed '/^\[sample\./,$d') # a model's sampling is another
    grep -q "($name.ini)" "$source/conf/README.md" || complain "$name is not in conf/README.md"
    [ "$(rows "$name" 1 .)" -gt 0 ] || complain "$name is not in tests/golden/TABLE"
    ! whole "$file" | grep -c '^\[train\]' >/dev/null || [ "$(rows "$name" 4 '[0-9]')" -gt 0 ] ||
        complain "$name has no losses in tests/golden/TABLE"
    if grep -qE '^dataset *= *(idx|cifar10)' <<<"$text" && grep -qE '^layer *= *ode\>' <<<"$text"; then
        for companion in "${companions[@]}"; do
            [ "$(rows "$name" 2 "$companion")" -gt 0 ] ||
                complain "$name has no row with $companion in tests/golden/TABLE"
        done
    fi
done
[ "$failures" -eq 0 ] || exit 1
