#!/usr/bin/env bash
# Times Odeon beside its peers and writes RESULTS.md beside this file.
#
#   tests/bench/results.sh [--quick]
#
# Some seventeen minutes, less than three with --quick. README.md beside this file says what is
# needed. The environment may set:
#   BUILD    a build with bench_models; else build
#   DATA     folder of Fashion-MNIST's or MNIST's four files
#   PYTHON   the python3 that has the peers
#   RESULTS  where to write; else RESULTS.md beside this file
#   BUDGET   seconds for the peers
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/../.." && pwd)
data=${DATA:-/usr/share/datasets/fashion-mnist}
python=${PYTHON:-python3}
results=${RESULTS:-$here/RESULTS.md}
quick=()
budget=850
seconds=0.5
case ${1:-} in
--quick)
    quick=(--quick --threads 1 --what train)
    budget=120
    seconds=0.2
    ;;
"") ;;
*)
    echo "usage: tests/bench/results.sh [--quick]" >&2
    exit 2
    ;;
esac
budget=${BUDGET:-$budget}
build=$(cd "${BUILD:-$source/build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ODEON_PLUGIN_PATH
export XDG_DATA_HOME=$work/share

fact() { # NAME TEXT
    printf '%s\t%s\n' "$1" "$2" >>"$work/facts.tsv"
}

facts() {
    fact date "$(date -u +%Y-%m-%d\ %H:%M) UTC, $([ ${#quick[@]} -eq 0 ] || echo 'a quick run, ')load before $(cut -d' ' -f1 /proc/loadavg)"
    fact source "$(git -C "$source" describe --always --dirty --exclude '*' 2>/dev/null || echo 'no repository')"
    fact processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(lscpu |
        sed -n 's/^L2 cache: *\(.*\)/L2 \1/p')$(grep -qw avx512f /proc/cpuinfo && echo ', AVX-512')$(grep -qw amx_tile /proc/cpuinfo && echo ', AMX')"
    fact kernel "$(uname -sr)"
    fact compiler "$("${CC:-cc}" --version | head -n 1)"
    fact odeon "$("$build/odeon" bench "$source/conf/iris_anode_time.ini" run.workers=1 --seconds 0 \
        --samples 1 | sed -n '1s/^.*as configured: //p')"
}

peaks() { # THREADS...
    local n
    "${CC:-cc}" -O3 -march=native -ffp-contract=fast -pthread -o "$work/peak" "$here/peak.c"
    for n in "$@"; do
        "$work/peak" "$n" >"$work/peak-$n.tsv"
    done
}

operators() { # LETTER INI [OVERRIDE...]
    local letter=$1 ini=$2
    shift 2
    "$build/odeon" bench "$source/conf/$ini.ini" run.workers=1 "$@" --what operators --seconds "$seconds" \
        --samples 2 --csv >"$work/$letter.csv" || rm -f "$work/$letter.csv"
}

# Samples of the processor's state while steps are repeated: function and share, of each library.
profile() { # LETTER INI [OVERRIDE...]
    local letter=$1 ini=$2
    shift 2
    command -v perf >/dev/null || return 0
    perf record -q -F 997 -o "$work/perf.data" "$build/odeon" bench "$source/conf/$ini.ini" run.workers=1 "$@" \
        --what step --seconds 3 --samples 1 >/dev/null 2>&1 &&
        perf report -i "$work/perf.data" --stdio -g none -F overhead,dso,symbol -t '|' 2>/dev/null |
        awk -F '|' '/^ *[0-9]/ { gsub(/^ +| +$|%/, "", $1); gsub(/ /, "", $2); sub(/^ *\[.\] /, "", $3); sub(/ +$/, "", $3)
            print $1 "\t" $2 "\t" $3 }' >"$work/$letter.profile" || rm -f "$work/$letter.profile"
    rm -f "$work/perf.data"
}

both() { # LETTER INI [OVERRIDE...]
    operators "$@"
    profile "$@"
}

# Evaluations of the field a step in the epochs behind the first so many: they grow in training.
evaluations_behind() { # EPOCHS RUN
    awk -F, -v "first=$1" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        $column["split"] == "train" && $column["epoch"] > first { sum += $column["ode.evals_forward"]; n++ }
        END { if (n) printf "%.1f", sum / n; else print "-" }' "$2/metrics.csv"
}

# Differences of two lengths of run, so that the start does not count. A third run, which is not timed,
# has the same steps and counts their evaluations.
shipped() { # NAME INI SHORT LONG WHAT [OVERRIDE...]: epochs, of 8 steps each
    local name=$1 ini=$2 short=$3 long=$4 what=$5 times=() epochs begin
    shift 5
    for epochs in "$short" "$long"; do
        begin=$(date +%s%N)
        "$build/odeon" train "$source/conf/$ini.ini" "run.out=$work/run-$epochs" "run.epochs=$epochs" "$@" \
            >/dev/null 2>&1 || return 0
        times+=($(($(date +%s%N) - begin)))
        rm -rf "$work/run-$epochs"
    done
    "$build/odeon" train "$source/conf/$ini.ini" "run.out=$work/counted" "run.epochs=$long" "$@" run.log_every=1 \
        >/dev/null 2>&1 || return 0
    printf '%s\t%s\t%s\t%s\n' "$name" $(((times[1] - times[0]) / 1000 / 8 / (long - short))) \
        "$(evaluations_behind "$short" "$work/counted")" "$what" >>"$work/shipped.tsv"
    rm -rf "$work/counted"
}

facts
peaks 1 2
"$python" "$here/peers.py" "${quick[@]}" --budget "$budget" --build "$build" --data "$data" \
    --results "$work/peers.json"
both a mnist_odenet_groupnorm "data.path=$data"
both b fashion_mnist_conv_node "data.path=$data" model.ode.integrator=dopri5 \
    model.ode.control=torchdiffeq 'model.ode.gradient=adjoint(norm=full)'
if [ ${#quick[@]} -eq 0 ]; then
    both c mnist_rknet_rk4 "data.path=$data" model.ode.integrator=rk4_38
    both d mnist_anode_conv "data.path=$data"
    both e mnist_odenet "data.path=$data" data.crop.enabled=no
fi
both i iris_anode_time
both s spiral
shipped "iris as shipped" iris_anode_time 20 120 "epochs of 8 steps, each with its evaluation and checkpoint"
shipped "iris, nothing but steps" iris_anode_time 200 1200 "no evaluation, no checkpoint before the end" \
    "run.eval_every=100000 epochs" run.checkpoint_seconds=1000 run.log_every=100000
"$python" "$here/observers.py" "$build/odeon" "$source/conf" >"$work/observers.tsv" || rm -f "$work/observers.tsv"
"$python" "$here/results.py" "$work" >"$work/RESULTS.md"
cp "$work/RESULTS.md" "$results"
echo "results.sh: $results, after $SECONDS s" >&2
