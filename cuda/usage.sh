#!/usr/bin/env bash
# usage.sh BUILD [CARD]: what every kernel that BUILD was compiled with takes of a multiprocessor, as
# the compiler of the card's code says it. cuda/usage.txt is what it says of sm_90 (nvcc 13.0):
#   bash cuda/usage.sh build sm_90 >cuda/usage.txt
set -euo pipefail
build=$1
echo "# card kernel registers spilled_bytes stack_bytes shared_bytes"
find "$build/cuda" -name '*.cu.o.usage' -exec cat {} + | awk -v wanted="${2:-}" '
    /Compiling entry function/ {
        split($0, quoted, "\047")
        kernel = quoted[2]
        card = quoted[4]
    }
    /Function properties for/ { own = ($NF == kernel) }
    /bytes stack frame/ && own { stack = $1; spilled = $5 + $9 }
    /Used [0-9]+ registers/ {
        shared = 0
        for (i = 2; i <= NF; i++) {
            if ($i == "registers,") registers = $(i - 1)
            if ($i ~ /^smem/) shared = $(i - 2)
        }
        if (wanted == "" || wanted == card) print card, substr(kernel, 5), registers, spilled, stack, shared
    }' | LC_ALL=C sort
