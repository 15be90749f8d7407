#!/bin/bash
# The layout number of every interface: of a draft a checksum of all that its headers say to a
# compiler - names, sizes and offsets of types and fields, enumerators, object-like macros - and of
# nothing else; of a frozen one its version. What a draft uses of frozen interfaces counts as their
# version, so that a step that these may take (frozen.sh) refuses no plugin of a draft.
#   layouts.sh SOURCE            prints include/odeon/layouts.h as it has to be
#   layouts.sh SOURCE INTERFACE  prints that interface's list
#   layouts.sh SOURCE --lists FOLDER [INTERFACE ...]  writes FOLDER/INTERFACE.list, and in
#       FOLDER/INTERFACE.headers the headers that it is made of, of all or of those that are named
#   layouts.sh SOURCE --frozen  prints the names of the frozen interfaces
#   layouts.sh SOURCE --row INTERFACE  prints the headers of its row below
# LAYOUTS_KEPT names a folder in which lists are kept by what the compiler's preprocessor makes of
# the headers, so that those of which it makes the same are not looked at again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C

# Which headers an interface is made of, with those that they include, in the order of the numbers of
# ODEON_INTERFACE_LIST. A header that a plugin may use belongs here even if the interface's own header
# does not include it: whoever is given a device may call all of its families.
device="device.h device_conv.h device_dual.h device_ext.h device_fused.h device_lanes.h device_loss.h device_move.h device_norm.h device_optimizer.h device_pointwise.h device_pool.h device_product.h device_random.h device_solver.h"
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

# By the name of an interface: the headers of its row; the version, where it is frozen.
declare -A headers version
while read -r interface row; do
    headers[$interface]=$row
done <<<"$reach"
while read -r interface number; do
    version[$interface]=$number
done <<<"$frozen"

case ${2-} in
    --frozen) printf '%s\n' "${frozen// [0-9]/}" && exit ;;
    --row) echo "${headers[$3]}" && exit ;;
esac

# What the numbers stand in, and what says nothing of a layout.
left_out='ODEON_LAYOUT|ODEON_ABI_MINOR|ODEON_[A-Z]*_H|ODEON_EXPORT|ODEON_NOTE_EXACT_'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The headers themselves, but for the numbers, which would otherwise depend on themselves.
cp -r "$1/include" "$work/include"
include=$work/include
echo '#define ODEON_LAYOUTS ""' >"$include/odeon/layouts.h"

# What the preprocessor makes of every row, by one call for all of them: in $work/INTERFACE.text, with
# the macros and without lines that are empty; the headers that are in it in $work/INTERFACE.in.
preprocess() {
    local interface row units=() sum file
    while read -r interface row; do
        # shellcheck disable=SC2086
        printf '#include "odeon/%s"\n' $row >"$work/$interface.c"
        units+=("$work/$interface.c")
    done <<<"$reach"
    "${CC:-gcc}" -std=c11 -I"$include" -dD -E "${units[@]}" | awk -v work="$work/" -v include="$include/odeon/" '
        /^# [0-9]+ "/ {
            split($0, part, "\"")
            if (part[2] ~ /\.c$/ && index(part[2], work) == 1) {
                interface = substr(part[2], 1, length(part[2]) - 2)
            } else if (index(part[2], include) == 1 && !((interface, part[2]) in seen)) {
                seen[interface, part[2]] = 1
                header = substr(part[2], length(include) + 1)
                print header >(interface ".in")
                print "header " header >(interface ".text")
            }
            next
        }
        NF > 0 { print >(interface ".text") }'
    while read -r sum file; do
        file=${file##*/}
        same[${file%.text}]=$sum
    done < <(sha256sum "$work"/*.text)
    [ "${#same[@]}" -eq "${#units[@]}" ] || { echo "layouts.sh: a row is empty to the preprocessor" >&2; exit 1; }
}

list() { # INTERFACE: all that its headers and what they include say
    "${CC:-gcc}" -std=c11 -g -gdwarf-5 -fno-eliminate-unused-debug-types -I"$include" -c "$work/$1.c" -o "$work/unit.o"
    readelf --debug-dump=info "$work/unit.o" 2>/dev/null | awk -f "$here/layouts.awk" >"$work/types"
    # of the object-like ones what is left at the end
    awk '/^#define ODEON_[A-Za-z0-9_]+( |$)/ { name = $2; sub(/^#define [^ ]+ */, ""); macro[name] = $0 }
        /^#undef / { delete macro[$2] }
        END { for (name in macro) print "macro " name " = " macro[name] }' "$work/$1.text" |
        sed -E "/^macro ($left_out)/d" >"$work/macros"
    [ "$(wc -l <"$work/types")" -ge 5 ] || { echo "layouts.sh: no types in the debugging information" >&2; exit 1; }
    sort -u "$work/types" "$work/macros"
}

kept_list() { # INTERFACE: sets kept to the file of its list, made once of what is the same to the compiler
    kept=$LAYOUTS_KEPT/${same[$1]}
    if [ ! -s "$kept" ]; then
        list "$1" >"$kept.new"
        mv "$kept.new" "$kept"
    fi
}

in_reach() { # INTERFACE HEADERS: is one of these among those of the interface?
    local header
    for header in $2; do
        case $'\n'$(<"$work/$1.in")$'\n' in *$'\n'"$header"$'\n'*) return 0 ;; esac
    done
    return 1
}

list_of() { # INTERFACE: its list, in which other interfaces that are frozen are their version
    local other number theirs=() versions=() own
    kept_list "$1"
    own=$kept
    [ "$1" != BASE ] || { cat "$own"; return; }
    while read -r other number; do
        if [ "$other" != "$1" ] && in_reach "$1" "${headers[$other]}"; then
            kept_list "$other"
            theirs+=("$kept")
            versions+=("frozen $other = $number")
        fi
    done <<<"$frozen"
    { printf '%s\n' "${versions[@]}"; awk -v own="$own" 'FILENAME != own { theirs[$0]; next }
        !($0 in theirs)' "${theirs[@]}" "$own"; } | sort -u
}

number() { # INTERFACE: sets number to eight hexadecimal digits, made once of the same lists
    local kept_number other
    if [ -n "${version[$1]-}" ]; then
        printf -v number '%08x' "${version[$1]}"
        return
    fi
    kept_number=$LAYOUTS_KEPT/${same[$1]:0:16}
    while read -r other _; do
        kept_number+=-${same[$other]:0:16}
    done <<<"$frozen"
    # The numbers below 256 are versions.
    [ -s "$kept_number" ] || list_of "$1" | sha256sum | cut -c1-8 | sed 's/^000000/000f00/' >"$kept_number"
    read -r number <"$kept_number"
}

if [ -z "${LAYOUTS_KEPT-}" ]; then
    LAYOUTS_KEPT=$work/kept
    mkdir "$LAYOUTS_KEPT"
fi

declare -A same # the checksum of what the preprocessor makes of each row
preprocess
if [ "${2-}" = --lists ]; then
    folder=$3
    shift 3
    # shellcheck disable=SC2046
    [ $# -gt 0 ] || set -- $(cut -d ' ' -f 1 <<<"$reach")
    for interface; do
        list_of "$interface" >"$folder/$interface.list"
        sort -u "$work/$interface.in" >"$folder/$interface.headers"
    done
    exit
fi
if [ $# -gt 1 ]; then
    [ -n "${headers[$2]-}" ] || { echo "layouts.sh: no interface is named $2" >&2; exit 2; }
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
    number "$interface"
    printf '#define ODEON_LAYOUT_%-9s 0x%su\n' "$interface" "$number"
    numbers+=("$number")
done <<<"$reach"
printf '\n/* All of them: BASE, then the interfaces by their numbers. */\n'
printf '%-99s\\\n' '#define ODEON_LAYOUTS' "    \"${numbers[0]}\""
for number in "${numbers[@]:1:${#numbers[@]}-2}"; do
    printf '%-99s\\\n' "    \".$number\""
done
printf '    ".%s"\n\n#endif\n' "${numbers[-1]}"
