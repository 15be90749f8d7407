#!/usr/bin/env bash
# All tests under AddressSanitizer and UndefinedBehaviorSanitizer, then those in which workers run
# side by side (lockstep) and those of the loader and of what all threads share under ThreadSanitizer.
# Installs nothing: what tests/run.sh needs is enough.
#   tests/run_sanitized.sh [quick] [ARGUMENTS of ctest for the first of them]
# quick leaves out what takes most of an hour's time and finds least in it: tests of over 20 s, which
# repeat short ones for more numbers, more kills or more allocations, and ThreadSanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quick=
[ "${1-}" != quick ] || { quick=yes && shift; }

configure() { # FOLDER SANITIZERS
    cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=ON \
        -DODEON_SANITIZE="$2" >/dev/null
}

# Only programs of tests that run are built: programs FOLDER LEAST ctest's ARGUMENTS... A test's program
# may have another name than the test: two wings have a source of one name.
programs() {
    local folder=$1 least=$2 found
    shift 2
    mapfile -t found < <(awk 'NR == FNR { runs[$1]; next } $1 in runs { print $2 }' \
        <(ctest --test-dir "$folder" --show-only "$@" | sed -nE 's/^ *Test +#[0-9]+: //p') \
        <(sed -nE 's|^add_test\(\[=*\[(.*)\]=*\] "[^"]*/tests/([^"/]*)".*|\1 \2|p' \
            "$folder/tests/CTestTestfile.cmake") | sort -u)
    [ "${#found[@]}" -ge "$least" ] || { echo "run_sanitized.sh: too few tests: ${found[*]}" >&2 && exit 1; }
    printf '%s\n' "${found[@]}"
}

# Left out is what can find nothing that tests/run.sh does not: check/, which looks at sources and at
# what compilers make of them, and what holds numbers that are no other here: parity with references
# and recorded losses of experiments. Their networks are trained all the same, by
# cli/experiments_go_on, with narrow fields: the same layers and the same calls on fewer channels. Of
# captured solves the short ones suffice (conformance/quick_running_state).
left_out='^check/|^parity/|test_captured_solves$|^cli/(experiments_(mnist|cifar10)|mnist|results)$'
[ -z "$quick" ] || left_out+='|^lockstep/test_(kill|workers)$|/test_(captured_solves|device_operators|(experiment_)?gradients|(program_|command_|numbers_)?allocations)$|^unit/(run/test_terminal|solver/test_matrix_free)$|^cli/(bad_files|experiments_go_on|gpu_dry_run|gpu_run_mocked|interrupt|lost_device|lr_find)$'
configure build-asan address,undefined
mapfile -t built < <(programs build-asan 250 -E "$left_out")
ninja -C build-asan odeon_program plugins_of_tests other_plugins_of_tests gpu_run "${built[@]}"
ODEON_KILLS=40 ctest --test-dir build-asan --output-on-failure -j "$(nproc)" -E "$left_out" "$@"
[ -z "$quick" ] || exit 0

# Here and above runs are killed less often (ODEON_KILLS): what a kill leaves behind is a matter of
# files, which tests/run.sh has seen, and races show in runs that are not killed just as well.
side_by_side='^lockstep/|^unit/.*/test_(registry|instance|diag|mem|collective|collective_wait|worker_group|prefetch|threads)$'
configure build-tsan thread
mapfile -t built < <(programs build-tsan 16 -R "$side_by_side")
ninja -C build-tsan odeon_program plugins_of_tests "${built[@]}"
ODEON_KILLS=40 ctest --test-dir build-tsan --output-on-failure -j "$(nproc)" -R "$side_by_side"
