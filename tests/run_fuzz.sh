#!/usr/bin/env bash
# tests/run_fuzz.sh [SECONDS [TARGET ...]]: every fuzz target (arrays, ini, idx, cifar10, csv, formula,
# json, safetensors, plugin) over its seeds, then on inputs of its own making for SECONDS (30) each, two targets at a
# time, under AddressSanitizer and UndefinedBehaviorSanitizer. Fails on any finding, which it leaves
# in build-fuzz/findings. What a target has learned is kept in build-fuzz/corpus. Installs what is
# missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/install_missing.sh
seconds=${1:-30}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(arrays ini idx cifar10 csv formula json safetensors plugin)

install_missing "${build_packages[@]}" clang libclang-rt-14-dev
CC=clang cmake -S . -B build-fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_FUZZ=ON >/dev/null
ninja -C build-fuzz >/dev/null
mkdir -p build-fuzz/findings

fuzz() { # $1 target
    local corpus=build-fuzz/corpus/$1 log=build-fuzz/$1.log dictionary=()
    mkdir -p "$corpus"
    [ ! -e "tests/fuzz/$1.dict" ] || dictionary=("-dict=tests/fuzz/$1.dict")
    if build-fuzz/fuzz_"$1" "$corpus" "tests/fuzz/corpus/$1" -max_total_time="$seconds" \
        -max_len=4096 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/findings/$1-" "${dictionary[@]}" >"$log" 2>&1; then
        echo "$1: $(sed -n 's/.*number_of_executed_units: *//p' "$log") executions, no finding"
    else
        echo "$1: FAILED, see $log:"
        tail -n 40 "$log"
        return 1
    fi
}

failed=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    running=()
    for target in "${targets[@]:i:2}"; do
        fuzz "$target" &
        running+=($!)
    done
    for job in "${running[@]}"; do
        wait "$job" || failed=1
    done
done
exit $failed
