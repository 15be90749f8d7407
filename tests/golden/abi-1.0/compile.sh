#!/bin/bash
# Sourced: golden_compile INCLUDE SOURCE OUT [OPTIONS ...] builds a golden plugin, which imports nothing,
# so that it loads wherever there is an x86-64 Linux. Called by itself it makes all binaries anew.
golden_compile() {
    local include=$1 file=$2 out=$3
    shift 3
    "${CC:-gcc}" -std=c11 -O2 -fPIC -shared -nostdlib -fvisibility=hidden -fno-asynchronous-unwind-tables \
        -fno-builtin -fno-tree-loop-distribute-patterns -ffp-contract=off -fcf-protection=none \
        -Wl,-z,noseparate-code -Wl,-z,defs -Wl,--build-id=sha1 -s -I"$include" "$@" -o "$out" "$file"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    cd "$(dirname "$0")" || exit
    for file in */*.c; do
        golden_compile ../../../include "$file" "${file%.c}.so" || exit
    done
fi
