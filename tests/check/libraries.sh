#!/bin/bash
# The functions that the CUDA device looks for in cuBLAS and cuDNN when it starts are there, in the
# libraries of the toolkit that it was built with, where those are installed.
set -u
source=$1
build=$2
if [ ! -e "$build/plugins/device/cuda.so" ]; then
    cat "$build/not_covered"
    exit 0
fi
nvcc=$(sed -n 's/^ODEON_NVCC:[A-Z]*=//p' "$build/CMakeCache.txt")
toolkit=${nvcc%/bin/nvcc}
failed=0

exports() { # LIBRARY LEAST NAMES: it has them all
    local name file n=0
    file=$(find -L "$toolkit/lib64" /usr/lib/x86_64-linux-gnu -maxdepth 1 -name "$1" 2>/dev/null |
        head -n 1)
    if [ -z "$file" ]; then
        echo "not covered: $1 is not installed"
        return
    fi
    nm -D --defined-only "$file" | awk '{ print $3 }' | sed 's/@.*//' | sort >"$names"
    for name in $3; do
        n=$((n + 1))
        grep -qx "$name" "$names" || {
            echo "FAILED: $file has no $name"
            failed=1
        }
    done
    [ "$n" -ge "$2" ] || {
        echo "FAILED: only $n functions of $1 found in the source"
        failed=1
    }
    echo "$1: $n functions"
}

names=$(mktemp)
trap 'rm -f "$names"' EXIT
exports libcublas.so 8 "$(sed -n 's/^    {"\(cublas[A-Za-z0-9_]*\)".*/\1/p' "$source/cuda/blas.c")"
exports libcudnn.so 23 "$(sed -n 's/^    X(\(cudnn[A-Za-z0-9_]*\),.*/\1/p' "$source/cuda/dnn.c")"
exit $failed
