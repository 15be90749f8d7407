#!/usr/bin/env bash
# All tests under AddressSanitizer and UndefinedBehaviorSanitizer, then those in which workers run
# side by side (lockstep) and those of the loader and of what all threads share under ThreadSanitizer.
# Installs nothing: what tests/run.sh needs is enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# $1 folder, $2 sanitizers, the rest goes to ctest
run_under() {
    cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=ON \
        -DODEON_SANITIZE="$2" >/dev/null
    ninja -C "$1"
    ctest --test-dir "$1" --output-on-failure -j "$(nproc)" "${@:3}"
}

run_under build-asan address,undefined "$@"
run_under build-tsan thread -R '^lockstep/|^unit/.*/test_(registry|instance|diag|mem|threads)$' "$@"
