#!/usr/bin/env bash
# Builds everything and runs all tests; installs what is missing for that. Arguments go to ctest,
# e.g. tests/run.sh -L unit, or tests/run.sh -R cli/train
# ODEON_ALLOCATIONS=all fails every allocation of the program, which takes a minute more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/install_missing.sh

install_missing "${build_packages[@]}" libcmocka-dev abigail-tools:abidiff
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=ON >/dev/null
ninja -C build
failed=0
ctest --test-dir build --output-on-failure -j "$(nproc)" "$@" || failed=$?
# What this machine lacks is said once more, in the last line.
log=build/Testing/Temporary/LastTest.log
! [ -e "$log" ] || grep -ah '^not covered: ' build/not_covered "$log" 2>/dev/null | sort -u |
    sed 's/^not covered: //' | awk '{ printf "%s%s", NR == 1 ? "not covered: " : "; ", $0 } END { if (NR) print "" }' ||
    true # nothing is missing
exit "$failed"
