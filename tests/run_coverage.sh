#!/usr/bin/env bash
# What the tests run of the host and of the plugins, devices aside, as a table; fails where less than
# 90 % of the host's lines or 80 % of its branches are, or not every branch of those who read INI,
# IDX, CIFAR-10, CSV and safetensors. What cannot happen is marked GCOVR_EXCL where it stands, with
# the reason. Installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/install_missing.sh

install_missing "${build_packages[@]}" libcmocka-dev abigail-tools:abidiff gcovr
cmake -S . -B build-coverage -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=ON \
    -DODEON_COVERAGE=ON >/dev/null
ninja -C build-coverage >/dev/null
find build-coverage -name '*.gcda' -delete
# Without the tests of what is not counted: devices, sources, a build of its own, recorded losses of
# experiments, which cli/experiments_go_on trains too. An allocation of every chain of calls fails.
ODEON_ALLOCATIONS=0 ctest --test-dir build-coverage --output-on-failure -j "$(nproc)" \
    -E '^check/|_device_|test_cpu|^cli/experiments_(mnist|cifar10)$' "$@"

cd build-coverage
report() { # gcov counts returns from fork below zero, which gcovr would not have
    gcovr -r .. --object-directory . --gcov-ignore-parse-errors "$@" core plugins \
        tests/CMakeFiles/{odeon_engine,test_idx_reader,test_csv_table,test_regular_file,test_split}.dir
}
readers=(-f '../core/format/ini_' -f '../core/format/json\.c' -f '../core/format/safetensors(_header)?\.c'
    -f '../plugins/dataset/idx/(reader|stream)\.c' -f '../plugins/dataset/cifar10/records\.c'
    -f '../plugins/dataset/common/(columns|csv_scan|csv_table|regular_file|split)\.c')
report -f '../core/' -f '../plugins/'
echo "The host, of which 95 % of the lines and 88 % of the branches must run:"
report -f '../core/' --branches --fail-under-line 95 --fail-under-branch 88
echo "The readers, all of whose branches must run:"
report "${readers[@]}" --branches --fail-under-branch 100
