#!/bin/sh
# Makes conf/RESULTS.md: runs the systems of conf/results/systems and writes what came out beside what
# was published.
#
#   conf/results.sh [--runs DIR] [--mnist DIR] [--cifar10 DIR] [--cifar10-name TEXT] [--odeon FILE]
#                   [--seconds N] [--epochs N] [--iterations N] [--tests N] [--table-only] [--list]
#                   [--out FILE] [--note TEXT] [ROW ...]
#
# ROW is a system; one run of it, SYSTEM/main-SEED, SYSTEM/identity-SEED or SYSTEM/residual-SEED; or
# memory, spiral_paths, lane_emden, audit, the tables that are made by short runs of their own. Without
# any, all is run. Runs go to DIR (runs/results) and stay there: what is finished is not run again, what was
# interrupted goes on, and with --table-only the file is made of what is there. --seconds ends each run
# after so long, --epochs and --iterations (optimizer steps) make it so long, --tests tests with so many
# samples alone: for experiments that take hours. The file says how far a run came. --list runs nothing
# and writes what would be run, SYSTEM/RUN and the words behind `odeon train`. Data is looked for where
# conf/get_data.sh puts it, data/mnist and data/cifar10; a set from elsewhere may say with
# --cifar10-name what it is. --note says how the runs were made; it stays with them.
set -eu

conf=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$conf")
odeon=$root/build/odeon runs=$root/runs/results mnist=$root/data/mnist cifar10=$root/data/cifar10
cifar10_name=CIFAR-10 seconds='' epochs='' iterations='' tests='' note=''
table_only=no list=no wanted='' missing=0
out=$conf/RESULTS.md
unset OPENBLAS_CORETYPE

usage() {
    echo "results.sh: $1" >&2
    exit 2
}

complain() {
    echo "results.sh: $*" >&2
    missing=1
}

absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s/%s\n' "$PWD" "$1" ;;
    esac
}

while [ $# -gt 0 ]; do
    case $1 in
        --runs | --mnist | --cifar10 | --cifar10-name | --odeon | --seconds | --epochs | --iterations | \
            --tests | --out | --note)
            [ $# -gt 1 ] || usage "$1 wants a value"
            case $1 in
                --runs) runs=$(absolute "$2") ;;
                --mnist) mnist=$(absolute "$2") ;;
                --cifar10) cifar10=$(absolute "$2") ;;
                --cifar10-name) cifar10_name=$2 ;;
                --odeon) odeon=$(absolute "$2") ;;
                --seconds) seconds=$2 ;;
                --epochs) epochs=$2 ;;
                --iterations) iterations=$2 ;;
                --tests) tests=$2 ;;
                --note) note=$2 ;;
                --out) out=$(absolute "$2") ;;
            esac
            shift
            ;;
        --table-only) table_only=yes ;;
        --list) list=yes ;;
        -*) usage "$1 is no option; the head of the file lists them" ;;
        *) wanted="$wanted $1" ;;
    esac
    shift
done
[ -x "$odeon" ] || usage "$odeon is missing: build first, see README.md"

# ---- rows ----

trim() { # NAME...: takes the blanks at both ends off these variables
    for one; do
        eval "text=\$$one"
        text=${text#"${text%%[![:space:]]*}"}
        text=${text%"${text##*[![:space:]]}"}
        eval "$one=\$text"
    done
}

# Calls a command for every row, whose columns are then $system, $ini (a file), $overrides, $seeds,
# $identity, $residual and $published.
rows() {
    grep -v -e '^;' -e '^$' "$conf/results/systems" >"$runs/.systems"
    while IFS='|' read -r system ini overrides seeds identity residual published <&3; do
        trim system ini overrides seeds identity residual published
        ini=$conf/$ini.ini
        "$@"
    done 3<"$runs/.systems"
    rm -f "$runs/.systems"
}

# The runs of a row: main-1, main-2, identity-1, residual-1; companions run with the first seed alone.
runs_of_row() {
    for seed in $seeds; do
        echo "main-$seed"
    done
    [ "$identity" = - ] || echo "identity-${seeds%% *}"
    [ "$residual" = - ] || echo "residual-${seeds%% *}"
}

# The overrides of a run, as a shell reads them.
overrides_of_run() { # RUN
    case $1 in
        main-*) echo "$overrides run.seed=${1#*-}" ;;
        identity-*) echo "$overrides $identity run.seed=${1#*-}" ;;
        residual-*) echo "$overrides $residual run.seed=${1#*-}" ;;
    esac | sed 's/^ *//; s/  */ /g; s/ *run.seed=1$//'
}

is_wanted() { # SYSTEM RUN
    case "$wanted " in
        ' ' | *" $1 "* | *" $1/$2 "*) return 0 ;;
        *) return 1 ;;
    esac
}

# The text of those that an INI includes, then its own.
whole_ini() { # INI
    for included in $(sed -n 's/^include *= *\([^;]*\).*/\1/p' "$1" | tr ',' ' '); do
        whole_ini "$(dirname "$1")/$included"
    done
    cat "$1"
}

# The folder of an INI's data in $folder, empty where the INI says it; fails where there is none.
find_data() { # INI
    folder=''
    case $(whole_ini "$1" | sed -n 's/^dataset *= *//p' | tail -n 1) in
        *../data/mnist*) folder=$mnist ;;
        *../data/cifar10*) folder=$cifar10 ;;
        *) return 0 ;;
    esac
    [ -d "$folder" ] || complain "$(basename "$1"): no data in $folder; conf/get_data.sh gets it"
    [ -d "$folder" ]
}

# ---- runs ----

# One run, from where it is: FOLDER, then the words of a new one.
run() {
    place=$1 name=${1#"$runs/"} answer=0
    shift
    if [ -d "$place/checkpoints" ] && [ -n "$(ls "$place/checkpoints")" ]; then
        set -- "$place" --resume
    else
        rm -rf "$place" "$place.log"
        set -- "$@" "run.out=$place" ${tests:+"data.test_limit=$tests"}
    fi
    rm -f "$place.finished"
    echo "results.sh: $name"
    ${seconds:+timeout --foreground -s INT "$seconds"} "$odeon" train "$@" \
        ${epochs:+"run.epochs=$epochs"} ${iterations:+"run.iterations=$iterations"} >>"$place.log" 2>&1 || answer=$?
    case $answer in
        0) : >"$place.finished" ;;
        124) echo "results.sh: $name: time is up; it goes on from there the next time" ;;
        130) echo "results.sh: $name: interrupted; it goes on from there the next time" && exit 130 ;;
        *) complain "$name: $(tail -n 1 "$place.log")" ;;
    esac
}

# Nothing is left to do: it ended by itself, or is as long as --epochs says.
is_finished() { # RUN
    [ -e "$runs/$system/$1.finished" ] || return 1
    [ -z "$epochs" ] || [ "$(value "$1" epochs %d)" -ge "$epochs" ]
}

run_row() {
    for one in $(runs_of_row); do
        place=$runs/$system/$one
        is_wanted "$system" "$one" || continue
        [ -e "$ini" ] || { complain "$system: $ini is missing" && return 0; }
        ! is_finished "$one" || continue
        find_data "$ini" || return 0
        mkdir -p "$runs/$system"
        [ -z "$folder" ] || [ "$folder" != "$cifar10" ] || echo "$cifar10_name" >"$runs/$system/data"
        eval "set -- $(overrides_of_run "$one")"
        run "$place" "$ini" ${folder:+"data.path=$folder"} "$@"
    done
}

list_row() {
    for one in $(runs_of_row); do
        ! is_wanted "$system" "$one" || echo "$system/$one conf/${ini##*/} $(overrides_of_run "$one")"
    done
}

. "$conf/results/report.sh"
. "$conf/results/tables.sh"
mkdir -p "$runs"
[ -z "$note" ] || printf '%s\n' "$note" >"$runs/note"
if [ "$list" = yes ]; then
    rows list_row
    exit 0
fi
if [ "$table_only" = no ]; then
    rows run_row
    epochs=''
    run_tables
fi
report >"$runs/.report"
mv "$runs/.report" "$out"
exit "$missing"
