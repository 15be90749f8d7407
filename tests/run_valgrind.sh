#!/usr/bin/env bash
# A subset of the tests of the host under valgrind: no report, no leak. Tests that fork are left out,
# and so is the CPU device, whose kernels valgrind would have to know. Installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/install_missing.sh

install_missing "${build_packages[@]}" libcmocka-dev valgrind libc6-dbg
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DODEON_TESTS=ON >/dev/null

tests=(test_atomic_file test_checkpoint test_checkpoint_list test_command_line test_config test_csv_table test_data test_diag
    test_elf_check test_evaluate test_expression test_lockstep_failures test_run_grad test_idle_keys test_idx_reader test_ini_file test_instance test_mem
    test_bind test_build test_chain test_kernel test_run test_config_load test_document test_fingerprint test_npy test_option_table test_params test_rng test_safetensors test_safetensors_header test_schema test_schema_parse
    test_implicit test_newton test_small_lu test_step_control test_stepper test_steps_file test_summary test_text)
ninja -C build "${tests[@]}" >/dev/null
[ -e build/plugins/layer/dense.so ] || ninja -C build >/dev/null

under_valgrind() {
    local log=build/valgrind-$1.log
    if (cd build && valgrind --quiet --error-exitcode=99 \
        --leak-check=full --errors-for-leak-kinds=definite,possible "tests/$1") >"$log" 2>&1; then
        echo "$1: no report"
    else
        echo "$1: FAILED"
        cat "$log"
        return 1
    fi
}
export -f under_valgrind
printf '%s\n' "${tests[@]}" | xargs -P 2 -I '{}' bash -c 'under_valgrind {}'
