#!/bin/bash
# Are the frozen interfaces still what they were when they were frozen, or have they only grown at their
# ends, with a higher minor of the ABI? Two gates look, each in its own way: lists of types, fields,
# enumerators and macros (golden/INTERFACE.layout), and abidiff of libabigail (golden/frozen.abi).
#   frozen.sh SOURCE           says what moved; 1 if anything did that may not
#   frozen.sh SOURCE --remake  writes both anew, from the headers as they are: when an interface is
#                              frozen, and when a minor has been released that appends to one
# FROZEN_HEADERS names a folder whose headers are looked at in place of SOURCE's (planted changes).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source_folder=$1
from=${FROZEN_HEADERS-$source_folder}
golden=$source_folder/tests/abi/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
failed=0

for tool in abidw:abigail-tools abidiff:abigail-tools readelf:binutils awk:mawk; do
    command -v "${tool%%:*}" >/dev/null || {
        echo "FAILED: ${tool%%:*} is missing, without which nothing guards what is frozen: install ${tool##*:}"
        exit 1
    }
done

number() { # MAJOR or MINOR: of the headers' ABI
    sed -nE "s/^#define ODEON_ABI_$1 ([0-9]+)$/\1/p" "$from/include/odeon/abi.h"
}

# A library with a pointer to each structure and union of the lists, so that all of them are in reach.
library() { # OUT
    bash "$here/layouts.sh" "$from" --frozen | while read -r interface; do
        bash "$here/layouts.sh" "$from" --row "$interface"
    done | tr ' ' '\n' | sort -u | sed 's|.*|#include "odeon/&"|' >"$work/unit.c"
    sed -nE 's/^typedef (odeon_[a-z0-9_]+) = structure .*/\1 *frozen_\1;/p' "$work"/*.layout | sort -u >>"$work/unit.c"
    "${CC:-gcc}" -std=c11 -g -gdwarf-4 -shared -fPIC -I"$from/include" "$work/unit.c" -o "$1"
}

interfaces=$(bash "$here/layouts.sh" "$from" --frozen)
# shellcheck disable=SC2086
bash "$here/layouts.sh" "$from" --lists "$work" $interfaces
for interface in $interfaces; do # its canonical file
    { echo "abi $(number MAJOR).$(number MINOR)"; cat "$work/$interface.list"; } >"$work/${interface,,}.layout"
done
library "$work/frozen.so"

if [ "${2-}" = --remake ]; then
    rm -rf "$golden"
    mkdir -p "$golden"
    cp "$work"/*.layout "$golden"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$golden/frozen.abi" "$work/frozen.so"
    exit
fi

for interface in $interfaces; do
    name=${interface,,}
    [ -e "$golden/$name.layout" ] || {
        echo "FAILED: $interface is frozen, but there is no tests/abi/golden/$name.layout"
        failed=1
        continue
    }
    awk -v interface="$interface" -f "$here/frozen.awk" "$golden/$name.layout" "$work/$name.layout" || failed=1
done
for file in "$golden"/*.layout; do
    [ -e "$work/$(basename "$file")" ] || {
        echo "FAILED: $(basename "$file" .layout) was frozen and is no longer: what is frozen stays so"
        failed=1
    }
done

# 4: a change of the ABI, 8: one that breaks it; the rules list what may be appended.
if [ -e "$golden/frozen.abi" ]; then
    abidiff --suppressions "$here/abidiff.rules" "$golden/frozen.abi" "$work/frozen.so" >"$work/report" || {
        echo "FAILED: abidiff says:"
        grep -v '^$' "$work/report" | head -n 30
        failed=1
    }
else
    echo "FAILED: there is no baseline for abidiff, tests/abi/golden/frozen.abi"
    failed=1
fi
exit $failed
