# Sourced, after cli.sh, by the tests of the experiments of conf/.
failures=0

# Data of 50 MB that a run reads come in large pages, where the system has them.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1

complain() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# The text of an INI, then that of those that it includes.
whole() {
    local text='' included
    contents "$1"
    printf '%s' "$text"
    [[ $'\n'$text =~ $'\n'include\ *=\ *([^$';\n']*) ]] || return 0
    for included in ${BASH_REMATCH[1]//,/ }; do
        whole "${1%/*}/$included"
    done
}

# stand_in TEXT IDX: the data that the experiment of this text has in place of what conf/get_data.sh
# gets, one override, or nothing. The folder IDX takes the place of all that are in that format.
stand_in() {
    [[ $'\n'$1 =~ $'\n'dataset\ *=\ *([^$'\n']*) ]] || return 0
    case ${BASH_REMATCH[1]} in
        idx\(*) echo "data.path=$2" ;;
        cifar10*) echo "data.path=$source/tests/data/cifar10" ;;
    esac
}
fashion=/usr/share/datasets/fashion-mnist

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

# The test at the end is of one sample, as its result is not looked at. Two losses are of the field
# and of what a step makes of its gradients; ODEON_EXPERIMENTS=whole looks at all that there are.
trains() { # LABEL LOSSES TOLERANCE ARGUMENTS...
    local label=$1 expected=$2 tolerance=$3 steps=3 found each
    shift 3
    read -ra each <<<"$expected"
    [ "$expected" = '?' ] || steps=${#each[@]}
    if [ "${ODEON_EXPERIMENTS-}" != whole ] && [ "$steps" -gt 2 ]; then
        steps=2
        [ "$expected" = '?' ] || expected="${each[0]} ${each[1]}"
    fi
    rm -rf run
    if ! "$odeon" train "$@" run.dtype=float64 run.log_every=1 "run.iterations=$steps" \
        run.out=run data.test_limit=1 >out 2>err </dev/null; then
        complain "$label does not train: $(tail -n 1 err)"
        return
    fi
    found=$(losses run/metrics.csv)
    close "$found" "$expected" "$tolerance" || complain "$label: losses $found, expected $expected"
}

# One row of tests/golden/TABLE, its columns as arguments.
row() {
    local name=$1 parameters=$3 expected=$4 tolerance=${5:-1e-6} label="$1 $2" file overrides data text
    local total=
    file=$source/conf/$name.ini
    case $2 in
        *[\"\'\\]*) mapfile -t overrides < <(xargs -n 1 printf '%s\n' <<<"$2") ;;
        *) read -ra overrides <<<"$2" ;;
    esac
    data=$(stand_in "$(whole "$file")" "$work/fashion")
    [ "$data" != "data.path=$work/fashion" ] || [ -d fashion ] || unpack_fashion
    if ! "$odeon" check "$file" ${data:+"$data"} "${overrides[@]}" >out 2>err </dev/null; then
        complain "$label does not check: $(tail -n 1 err)"
        return
    fi
    contents out
    [[ $text =~ $'\n'\ *total\ +([^$' \n']+) ]] && total=${BASH_REMATCH[1]}
    [ "$total" = "$parameters" ] || complain "$label: $total parameters, expected $parameters"
    [ -z "$expected" ] ||
        trains "$label" "$expected" "$tolerance" "$file" ${data:+"$data"} "${overrides[@]}"
}

shopt -s extglob
trim() { # VARIABLE: without the blanks at its ends
    local -n it=$1
    it=${it##+( )}
    it=${it%%+( )}
}

# Unpacked once, not by every run, where a row wants it.
unpack_fashion() {
    local file
    mkdir fashion
    for file in "$fashion"/*; do
        case $file in *.gz) gunzip -c "$file" >"fashion/$(basename "$file" .gz)" ;; *) cp "$file" fashion ;; esac
    done
}

# check_rows grep's OPTIONS...: the rows of the table that grep selects.
check_rows() {
    local name overrides parameters expected tolerance
    [ -d "$fashion" ] || fail "dataset-fashion-mnist is missing"
    while IFS='|' read -r name overrides parameters expected tolerance; do
        trim name && trim parameters && trim expected && trim tolerance
        row "$name" "$overrides" "$parameters" "$expected" "$tolerance"
    done < <(grep -vE '^(#|$)' "$source/tests/golden/TABLE" | grep "$@")
}
