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

# Tests write small files and have them synchronized all the time, for which a disk is waited: they are
# written to memory where there is room and programs may be run from there.
in_memory() { # FOLDER
    local probe
    [ "$(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')" -ge 2000000 ] 2>/dev/null &&
        probe=$(mktemp "$1/odeon-XXXXXX") && cp "$(type -P true)" "$probe" && chmod +x "$probe" &&
        { "$probe" 2>/dev/null || { rm "$probe" && false; }; } && rm "$probe"
}
if [ -z "${TMPDIR-}" ] && in_memory /dev/shm; then
    TMPDIR=$(mktemp -d /dev/shm/odeon-tests-XXXXXX)
    chmod 1777 "$TMPDIR" # as /tmp is: some tests run the program as another user
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
fi

# Where python3 is a script that looks for one to start, it takes five times as long as that one.
python=$(python3 -c 'import os, sys; print(os.path.dirname(sys.executable))' 2>/dev/null) &&
    PATH=$python:$PATH || true # there is none

# One more at a time than there are processors, since some wait. Signals are heeded, also under nohup.
failed=0
env --default-signal=HUP,INT,TERM ctest --test-dir build --output-on-failure -j "$(($(nproc) + 1))" "$@" ||
    failed=$?
# What this machine lacks is said once more, in the last line.
log=build/Testing/Temporary/LastTest.log
! [ -e "$log" ] || grep -ah '^not covered: ' build/not_covered "$log" 2>/dev/null | sort -u |
    sed 's/^not covered: //' | awk '{ printf "%s%s", NR == 1 ? "not covered: " : "; ", $0 } END { if (NR) print "" }' ||
    true # nothing is missing
exit "$failed"
