#!/bin/bash
# The layout number of every interface: of a draft a checksum of all that its headers say to a
# compiler - names, sizes and offsets of types and fields, enumerators, object-like macros - and of
# nothing else; of a frozen one its version. What a draft uses of frozen interfaces counts as their
# version, so that a step that these may take (frozen.sh) refuses no plugin of a draft.
#   layouts.sh SOURCE            prints include/odeon/layouts.h as it has to be
#   layouts.sh SOURCE INTERFACE  prints that interface's list
#   layouts.sh SOURCE --headers [INTERFACE]  prints the headers that it, or all, are made of
#   layouts.sh SOURCE --frozen  prints the names of the frozen interfaces
#   layouts.sh SOURCE --row INTERFACE  prints the headers of its row below
# LAYOUTS_KEPT names a folder in which lists are kept by what the compiler's preprocessor makes of
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
device="device.h device_conv.h device_dual.h device_ext.h device_lanes.h device_loss.h device_move.h device_norm.h device_optimizer.h device_pointwise.h device_pool.h device_product.h device_random.h device_solver.h"
reach="BASE abi.h host.h option.h plugin.h status.h tensor.h
DEVICE $device kit/step_control.h kit/philox.h
DATASET dataset.h
LAYER layer.h dataset.h component.h run.h container.h cuda.h group.h $device kit/step_control.h kit/philox.h
TABLEAU tableau.h
GRADIENT gradient.h component.h field.h run.h
OPTIMIZER optimizer.h run.h $device
LOSS loss.h run.h $device
SCHEDULE schedule.h
STEPPER stepper.h component.h run.h
OBSERVER observer.h component.h run.h
VIEW view.h dataset.h"

# Which interfaces are frozen, and in which version, which stays as long as the major version does.
frozen="BASE 1
DATASET 1
TABLEAU 1
SCHEDULE 1"

# What the numbers stand in, and what says nothing of a layout.
left_out='ODEON_LAYOUT|ODEON_ABI_MINOR|ODEON_[A-Z]*_H|ODEON_EXPORT|ODEON_NOTE_EXACT_'

unit() { # headers ...: makes a compilation unit of them
    printf '#include "odeon/%s"\n' "$@" >"$work/unit.c"
}

headers_of() { # INTERFACE: those of its row
    sed -n "s/^$1 //p" <<<"$reach"
}

version_of() { # INTERFACE: of a frozen one; else nothing
    sed -n "s/^$1 //p" <<<"$frozen"
}

list() { # headers ...: all that they and what they include say
    unit "$@"
    "${CC:-gcc}" -std=c11 -g -gdwarf-5 -fno-eliminate-unused-debug-types -I"$include" -c "$work/unit.c" -o "$work/unit.o"
    readelf --debug-dump=info "$work/unit.o" 2>/dev/null | awk -f "$here/layouts.awk" >"$work/types"
    "${CC:-gcc}" -std=c11 -I"$include" -dM -E "$work/unit.c" |
        sed -nE "/^#define ($left_out)/d; s/^#define (ODEON_[A-Za-z0-9_]+) +(.*)/macro \1 = \2/p" >"$work/macros"
    [ "$(wc -l <"$work/types")" -ge 5 ] || { echo "layouts.sh: no types in the debugging information" >&2; exit 1; }
    sort -u "$work/types" "$work/macros"
}

kept_list() { # headers ...: the same, made once of what is the same to the compiler
    local text file
    unit "$@"
    text=$("${CC:-gcc}" -std=c11 -I"$include" -dD -E -P "$work/unit.c" | sha256sum)
    file=$LAYOUTS_KEPT/${text%% *}
    if [ ! -s "$file" ]; then
        list "$@" >"$file.new"
        mv "$file.new" "$file"
    fi
    cat "$file"
}

list_of() { # INTERFACE: its list, in which other interfaces that are frozen are their version
    local other version own
    own=" $(headers_of "$1") "
    # shellcheck disable=SC2086
    kept_list $own >"$work/whole"
    [ "$1" != BASE ] || { cat "$work/whole"; return; }
    unit $own
    "${CC:-gcc}" -std=c11 -I"$include" -M "$work/unit.c" | tr ' ' '\n' | sed -n "s|^$include/odeon/||p" >"$work/in_reach"
    while read -r other version; do
        # shellcheck disable=SC2046
        if [ "$other" != "$1" ] && headers_of "$other" | tr ' ' '\n' | grep -qxFf - "$work/in_reach"; then
            kept_list $(headers_of "$other") >"$work/theirs"
            comm -23 "$work/whole" "$work/theirs" >"$work/rest"
            { echo "frozen $other = $version"; cat "$work/rest"; } | sort -u >"$work/whole"
        fi
    done <<<"$frozen"
    cat "$work/whole"
}

number() { # INTERFACE: eight hexadecimal digits
    local version
    version=$(version_of "$1")
    if [ -n "$version" ]; then
        printf '%08x\n' "$version"
    else
        # The numbers below 256 are versions.
        list_of "$1" | sha256sum | cut -c1-8 | sed 's/^000000/000f00/'
    fi
}

if [ -z "${LAYOUTS_KEPT-}" ]; then
    LAYOUTS_KEPT=$work/kept
    mkdir "$LAYOUTS_KEPT"
fi

if [ "${2-}" = --frozen ]; then
    cut -d ' ' -f 1 <<<"$frozen"
    exit
fi
if [ "${2-}" = --row ]; then
    headers_of "$3"
    exit
fi
if [ "${2-}" = --headers ]; then
    # shellcheck disable=SC2046
    unit $(sed -n "s/^${3-[A-Z]*} //p" <<<"$reach")
    "${CC:-gcc}" -std=c11 -I"$include" -M "$work/unit.c" | tr ' ' '\n' | sed -n "s|^$include/odeon/||p" | sort -u
    exit
fi
if [ $# -gt 1 ]; then
    [ -n "$(headers_of "$2")" ] || { echo "layouts.sh: no interface is named $2" >&2; exit 2; }
    list_of "$2"
    exit
fi

cat <<'END'
/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

END
numbers=()
while read -r interface _; do
    number=$(number "$interface")
    printf '#define ODEON_LAYOUT_%-9s 0x%su\n' "$interface" "$number"
    numbers+=("$number")
done <<<"$reach"
printf '\n/* All of them: BASE, then the interfaces by their numbers. */\n'
printf '%-99s\\\n' '#define ODEON_LAYOUTS' "    \"${numbers[0]}\""
for number in "${numbers[@]:1:${#numbers[@]}-2}"; do
    printf '%-99s\\\n' "    \".$number\""
done
printf '    ".%s"\n\n#endif\n' "${numbers[-1]}"
