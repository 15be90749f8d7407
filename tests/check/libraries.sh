#!/bin/bash
# The functions that the CUDA device looks for in cuBLAS, cuBLASLt and cuDNN when it starts are there, in the
# libraries of the toolkit that it was built with, where those are installed.
set -u
source=$1
build=$2
failed=0

# The functions are those of the lists X(NAME, ...) in the source. That they are found there is looked
# at on every machine.
listed() { # FILE PREFIX LEAST: prints them
    local names
    names=$(sed -n 's/^    X(\('"$2"'[A-Za-z0-9_]*\),.*/\1/p' "$source/cuda/$1")
    [ "$(wc -w <<<"$names")" -ge "$3" ] || {
        echo "FAILED: only $(wc -w <<<"$names") functions of $2 found in cuda/$1" >&2
        return 1
    }
    echo "$names"
}
of_cublas=$(listed blas.c cublas 8) || failed=1
of_cublaslt=$(listed blas_lt.c cublasLt 12) || failed=1
of_cudnn=$(listed dnn.c cudnn 27) || failed=1
if [ ! -e "$build/plugins/device/cuda.so" ]; then
    cat "$build/not_covered"
    exit $failed
fi
nvcc=$(sed -n 's/^ODEON_NVCC:[A-Z]*=//p' "$build/CMakeCache.txt")
toolkit=${nvcc%/bin/nvcc}

exports() { # LIBRARY NAMES: it has them all
    local name file
    file=$(find -L "$toolkit/lib64" /usr/lib/x86_64-linux-gnu -maxdepth 1 -name "$1" 2>/dev/null |
        head -n 1)
    if [ -z "$file" ]; then
        echo "not covered: $1 is not installed"
        return
    fi
    nm -D --defined-only "$file" | awk '{ print $3 }' | sed 's/@.*//' | sort >"$names"
    for name in $2; do
        grep -qx "$name" "$names" || {
            echo "FAILED: $file has no $name"
            failed=1
        }
    done
    echo "$1: $(wc -w <<<"$2") functions"
}

names=$(mktemp)
trap 'rm -f "$names"' EXIT
exports libcublas.so "$of_cublas"
exports libcublasLt.so "$of_cublaslt"
exports libcudnn.so "$of_cudnn"
exit $failed
