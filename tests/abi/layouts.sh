#!/bin/bash
# The layout number of every interface: a checksum of all that its headers say to a compiler - names,
# sizes and offsets of types and fields, enumerators, object-like macros - and of nothing else.
#   layouts.sh SOURCE            prints include/odeon/layouts.h as it has to be
#   layouts.sh SOURCE INTERFACE  prints that interface's list
#   layouts.sh SOURCE --headers [INTERFACE]  prints the headers that it, or all, are made of
# LAYOUTS_KEPT names a folder in which numbers are kept by what the compiler's preprocessor makes of
# the headers, so that those of which it makes the same are not looked at again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# The headers themselves, but for the numbers, which would otherwise depend on themselves.
cp -r "$1/include" "$work/include"
include=$work/include
echo '#define ODEON_LAYOUTS ""' >"$include/odeon/layouts.h"

# Which headers an interface is made of, with those that they include, in the order of the numbers of
# ODEON_INTERFACE_LIST. A header that a plugin may use belongs here even if the interface's own header
# does not include it: whoever is given a device may call all of its families.
device="device.h device_conv.h device_ext.h device_loss.h device_move.h device_norm.h device_optimizer.h device_pointwise.h device_pool.h device_product.h device_random.h device_solver.h"
reach="BASE host.h option.h plugin.h status.h tensor.h
DEVICE $device kit/step_control.h kit/philox.h
DATASET dataset.h
LAYER layer.h component.h run.h container.h cuda.h group.h $device kit/step_control.h kit/philox.h
TABLEAU tableau.h
GRADIENT gradient.h component.h field.h run.h
OPTIMIZER optimizer.h run.h $device
LOSS loss.h run.h $device
SCHEDULE schedule.h
STEPPER stepper.h component.h run.h
OBSERVER observer.h component.h run.h"

# What the numbers stand in, and what says nothing of a layout.
left_out='ODEON_LAYOUT|ODEON_ABI_MINOR|ODEON_[A-Z]*_H|ODEON_EXPORT|ODEON_NOTE_EXACT_'

unit() { # headers ...: makes a compilation unit of them
    printf '#include "odeon/%s"\n' "$@" >"$work/unit.c"
}

list() { # headers ...: their list
    unit "$@"
    "${CC:-gcc}" -std=c11 -g -gdwarf-5 -fno-eliminate-unused-debug-types -I"$include" -c "$work/unit.c" -o "$work/unit.o"
    readelf --debug-dump=info "$work/unit.o" 2>/dev/null | awk -f "$here/layouts.awk" >"$work/types"
    "${CC:-gcc}" -std=c11 -I"$include" -dM -E "$work/unit.c" |
        sed -nE "/^#define ($left_out)/d; s/^#define (ODEON_[A-Za-z0-9_]+) +(.*)/macro \1 = \2/p" >"$work/macros"
    [ "$(wc -l <"$work/types")" -ge 20 ] || { echo "layouts.sh: no types in the debugging information" >&2; exit 1; }
    sort -u "$work/types" "$work/macros"
}

number() { # headers ...: the number of their list
    local text file
    if [ -z "${LAYOUTS_KEPT-}" ]; then
        list "$@" | sha256sum | cut -c1-8
        return
    fi
    unit "$@"
    text=$("${CC:-gcc}" -std=c11 -I"$include" -dD -E -P "$work/unit.c" | sha256sum)
    file=$LAYOUTS_KEPT/${text%% *}
    [ -s "$file" ] || list "$@" | sha256sum | cut -c1-8 >"$file"
    cat "$file"
}

if [ "${2-}" = --headers ]; then
    # shellcheck disable=SC2046
    unit $(sed -n "s/^${3-[A-Z]*} //p" <<<"$reach")
    "${CC:-gcc}" -std=c11 -I"$include" -M "$work/unit.c" | tr ' ' '\n' | sed -n "s|^$include/odeon/||p" | sort -u
    exit
fi
if [ $# -gt 1 ]; then
    headers=$(sed -n "s/^$2 //p" <<<"$reach")
    [ -n "$headers" ] || { echo "layouts.sh: no interface is named $2" >&2; exit 2; }
    # shellcheck disable=SC2086
    list $headers
    exit
fi

cat <<'END'
/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

END
numbers=()
while read -r interface headers; do
    # shellcheck disable=SC2086
    number=$(number $headers)
    printf '#define ODEON_LAYOUT_%-10s 0x%su\n' "$interface" "$number"
    numbers+=("$number")
done <<<"$reach"
cat <<END

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \\
    "$(IFS=.; echo "${numbers[*]}")"

#endif
END
