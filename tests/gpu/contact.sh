#!/usr/bin/env bash
# The first minutes with a GPU: what has to hold before run.sh is worth its time, in about 130 seconds.
#
#   tests/gpu/contact.sh [DATA]
#
# Stages follow each other from the simplest on. The first that fails ends all, after it has been run
# again with launches that wait, logs of the libraries, memcheck and a trace of the loader: what is in
# OUT then should suffice to mend the fault without the machine. A solve that is not recorded and a
# convolution by own kernels are failures here. DATA and the environment (OUT, DEPS, BUILD, DEVICE,
# PYTHON) are run.sh's. With DEVICE=mocked it is a dry run. Exit code 0: go on with run.sh.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/../.." && pwd)
export DEVICE=${DEVICE:-cuda} PYTHON=${PYTHON:-python3} OUT=${OUT:-$source/build/gpu/contact}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export WORK DEPS=${DEPS:-} READY=${BUILD:+yes} BUILD=${BUILD:-$source/build/gpu/build}
export ODEON_GRAPH_DOT=$OUT/refused.dot
case $DEVICE in cuda*) DRY=no each=0.2 least=5 batch=0 quick=no ;; *) DRY=yes each=0 least=1 batch=2 quick=yes ;; esac
export DRY
unset OPENBLAS_CORETYPE ODEON_PLUGIN_PATH

say() {
    printf '%4d s  %s\n' "$SECONDS" "$*" | tee -a "$OUT/summary.txt"
}

packages() { # PATTERN below python's package nvidia
    "$PYTHON" -c 'import glob, os, sys, nvidia
for folder in nvidia.__path__:
    print("\n".join(glob.glob(os.path.join(folder, sys.argv[1]))))' "$1" 2>/dev/null
}

libraries=$(printf '%s:' "$BUILD"/deps/usr/lib/*/openblas-pthread "$BUILD"/deps/usr/lib/*-linux-gnu \
    "${CUDA_PATH:-/usr/local/cuda}/lib64" $(packages cudnn/lib) $(packages 'cu1*/lib') $(packages cublas/lib))

ours() { # PROGRAM ARGUMENTS...
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:-} timeout -k 2 "${limit:-40}" "$@"
}

# ---- what is learned from a stage that failed ----

again() { # NAME COMMAND...
    local name=$1
    shift
    CUDA_LAUNCH_BLOCKING=1 CUDNN_LOGLEVEL_DBG=2 CUDNN_LOGDEST_DBG=$OUT/cudnn.log CUBLAS_LOGINFO_DBG=1 \
        CUBLAS_LOGDEST_DBG=$OUT/cublas.log "$@" >"$OUT/$name.blocking.txt" 2>&1
    say "      with CUDA_LAUNCH_BLOCKING=1: $(tail -n 1 "$OUT/$name.blocking.txt" | cut -c 1-300)"
    if [ "$1" = ours ] && command -v compute-sanitizer >/dev/null; then
        ours compute-sanitizer --tool memcheck "${@:2}" >"$OUT/$name.memcheck.txt" 2>&1
        say "      memcheck: $(grep -h 'ERROR SUMMARY' "$OUT/$name.memcheck.txt" | tail -n 1)"
    fi
    LD_DEBUG=libs limit=5 ours "$BUILD/odeon" check "$source/conf/mnist_odenet_groupnorm.ini" \
        "run.device=$DEVICE" 2>&1 | grep -a 'cudnn\|cublas\|libcuda' |
        tail -n 40 >"$OUT/libraries.txt"
}

stage() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$OUT/$name.txt" 2>&1; then
        say "ok    $name"
        return
    fi
    say "RED   $name: $(grep -ahm 3 -i 'fail\|error\|cannot\|not recorded\|slowly' "$OUT/$name.txt" |
        cut -c 1-300 | tr '\n' '|')"
    [ "$name" = build ] || again "$name" "$@"
    tail -n 40 "$OUT/$name.txt"
    exit 1
}

# ---- stages ----

build() {
    bash "$here/run.sh" --part 00-build
    [ -x "$BUILD/odeon" ] && [ -x "$BUILD/tests/gpu/bench_models" ]
}

constants() {
    nvcc -O2 -std=c++17 -arch=native -DWITHOUT_CUBLAS "$here/constants.cu" -o "$WORK/constants" &&
        ours "$WORK/constants"
}

# A solve of one model is a few launches and one wait, and so is a step of training; without a
# recording either is hundreds.
recorded() { # CASE
    ours "$BUILD/tests/gpu/bench_models" --device "$DEVICE" --cases "$1" --plugins "$plugins" \
        --root "$source" --data "$data" --fashion "${fashion:-$data}" --out "$WORK" --seconds "$each" \
        --least "$least" --quick "$quick" --batch "$batch" | tee "$WORK/times.tsv"
    awk -F '\t' '$1 != "time" || ($4 != "forward" && $4 != "train") { next }
        { n++; most = $4 == "forward" ? 8 : 100; waits = $4 == "forward" ? 1 : 3 }
        $15 > most || $16 > waits { print "not recorded: " $0; bad = 1 }
        END { if (n != 2) print "error: only " n + 0 " of 2 times"; exit bad || n != 2 }' "$WORK/times.tsv"
}

# What is slower than it should be is a warning of the program's.
no_fallback() {
    ! cat "$OUT"/recorded-*.txt |
        grep -a 'own kernels do, slowly\|solves cannot be recorded\|samples stay with the host'
}

suite_test() { # NAME
    [ ! -x "$BUILD/tests/$1" ] || ODEON_TEST_DEVICE=$DEVICE ours "$BUILD/tests/$1"
}

operators() { # PATTERN
    [ ! -x "$BUILD/tests/test_device_operators" ] ||
        ours "$BUILD/tests/test_device_operators" "$1" "$DEVICE" 1
}

rm -f "$OUT"/*.txt "$OUT"/*.log "$OUT/refused.dot"
if [ "$DRY" = no ]; then # libraries come off the disk while the compiler runs
    for folder in ${libraries//:/ }; do
        cat "$folder"/libcublas*.so.[0-9]* "$folder"/libcudnn*.so.[0-9]*
    done >/dev/null 2>&1 &
    { nvidia-smi; nvidia-smi -q -d CLOCK,PERFORMANCE,MEMORY; nvcc --version; cc --version; cmake --version
        ls -l "${CUDA_PATH:-/usr/local/cuda}"/include/c{ublas_v2,udnn}.h $(packages 'c*/include/c[ud]*.h'); } \
        >"$OUT/machine.txt" 2>&1
fi
if [ -n "${1:-}" ]; then
    data=$(cd "$1" && pwd)
    [ ! -d "$data/fashion-mnist" ] || fashion=$data/fashion-mnist
    [ ! -d "$data/mnist" ] || data=$data/mnist
else
    bash "$source/tests/support/make_idx.sh" "$WORK/toy" "$([ "$DRY" = yes ] && echo 16 || echo 1024)" 64
    data=$WORK/toy
fi
[ -n "$READY" ] || limit=200 stage build build
plugins=$BUILD/plugins
[ ! -d "$BUILD/test-plugins" ] || plugins=$BUILD/test-plugins
[ "$DRY" = yes ] || stage constants constants
stage device ours "$BUILD/odeon" --plugin-path "$plugins" check "$source/conf/mnist_odenet_groupnorm.ini" \
    "run.device=$DEVICE"
for pattern in '*gemm*' '*conv*' '*norm*' '*'; do
    name=$(tr -d '*' <<<"$pattern")
    [ "$DRY" = yes ] && [ "$pattern" != '*gemm*' ] || stage "operators-${name:-all}" operators "$pattern"
done
stage captures suite_test test_capture_solve
[ "$DRY" = yes ] || stage captured_solves suite_test test_captured_solves
for c in ${CASES:-a c}; do
    stage "recorded-$c" recorded "$c"
    stage "no_fallback-$c" no_fallback
done
say "green: go on with run.sh"
