#!/usr/bin/env bash
# Every experiment of conf/ as tests/golden/TABLE has it: it checks, has as many parameters as said,
# and its first losses in float64 are the recorded ones.
. "$1/tests/support/cli.sh"
table=$source/tests/golden/TABLE
fashion=/usr/share/datasets/fashion-mnist
failures=0

complain() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# The text of an INI, then that of those that it includes.
whole() {
    local included
    cat "$1"
    for included in $(sed -n 's/^include *= *\([^;]*\).*/\1/p' "$1" | tr ',' ' '); do
        whole "$(dirname "$1")/$included"
    done
}

# The data that a test has in place of what conf/get_data.sh gets: one override, or nothing.
stand_in() {
    case $(whole "$1" | sed -n 's/^dataset *= *//p' | head -n 1) in
        idx\(*../data/mnist*) echo "data.path=$fashion" ;;
        cifar10*) echo "data.path=$source/tests/data/cifar10" ;;
    esac
}

# close A B TOLERANCE: two lists of numbers agree, each relative to its value in B.
close() {
    awk -v a="$1" -v b="$2" -v tolerance="$3" 'BEGIN {
        n = split(a, x); m = split(b, y)
        for (i = 1; i <= n; i++) {
            gap = x[i] - y[i]; gap = gap < 0 ? -gap : gap
            size = y[i] < 0 ? -y[i] : y[i]
            if (!(gap <= tolerance * size)) exit 1
        }
        exit !(n > 0 && n == m)
    }'
}

# losses FILE: the column loss of the training rows of a metrics.csv.
losses() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        $column["split"] == "train" { printf "%s%s", space, $column["loss"]; space = " " }' "$1"
}

# The test at the end is of one sample, as its result is not looked at.
train() {
    local label=$1 expected=$2 tolerance=$3 steps=1 found
    shift 3
    [ "$expected" = '?' ] && steps=3 || steps=$(wc -w <<<"$expected")
    rm -rf run
    if ! "$odeon" train "$@" run.dtype=float64 run.log_every=1 "run.iterations=$steps" \
        run.out=run data.test_limit=1 >out 2>err </dev/null; then
        complain "$label does not train: $(tail -n 1 err)"
        return
    fi
    found=$(losses run/metrics.csv)
    close "$found" "$expected" "$tolerance" || complain "$label: losses $found, expected $expected"
}

# One row of the table, its columns as arguments.
row() {
    local name=$1 parameters=$3 expected=$4 tolerance=${5:-1e-6} label="$1 $2" file overrides data total
    file=$source/conf/$name.ini
    mapfile -t overrides < <(xargs -n 1 printf '%s\n' <<<"$2" | sed '/^$/d')
    data=$(stand_in "$file")
    if ! "$odeon" check "$file" ${data:+"$data"} "${overrides[@]}" >out 2>err </dev/null; then
        complain "$label does not check: $(tail -n 1 err)"
        return
    fi
    total=$(awk '$1 == "total" { print $2 }' out)
    [ "$total" = "$parameters" ] || complain "$label: $total parameters, expected $parameters"
    [ -z "$expected" ] ||
        train "$label" "$expected" "$tolerance" "$file" ${data:+"$data"} "${overrides[@]}"
}

# rows NAME: how many rows of an experiment have TEXT in COLUMN.
rows() {
    awk -F'|' -v name="$1" -v column="$2" -v text="$3" '
        { gsub(/ /, "", $1) } $1 == name && $column ~ text { n++ } END { print n + 0 }' "$table"
}

[ -d "$fashion" ] || fail "dataset-fashion-mnist is missing"
while IFS='|' read -r name overrides parameters expected tolerance; do
    row "$(xargs <<<"$name")" "$overrides" "$(xargs <<<"$parameters")" "$(xargs <<<"$expected")" \
        "$(xargs <<<"$tolerance")"
done < <(grep -vE '^(#|$)' "$table")

companions=('\.(enabled=no|layer=identity)' '\.layer=residual')

# None is missing, nor a companion of an ODE block on images.
for file in "$source"/conf/*.ini; do
    name=$(basename "$file" .ini)
    [ "$name" != reference ] || continue
    text=$(whole "$file")
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
