#!/bin/bash
# Are the layout numbers of include/odeon/layouts.h those of the headers? Does every header count in
# at least one of them? Do changes that matter change them, and others not?
set -u
source_folder=$1
make=$source_folder/tests/abi/layouts.sh
. "$source_folder/tests/support/sources.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAILED: $1"
    failed=1
}

for tool in gcc readelf awk sha256sum; do
    command -v "$tool" >/dev/null || { echo "FAILED: $tool is missing, without which nothing guards the layouts"; exit 1; }
done
# Changed copies follow, in most of which most interfaces are the same to the compiler.
export LAYOUTS_KEPT=$work/kept
mkdir "$LAYOUTS_KEPT"
bash "$make" "$source_folder" >"$work/layouts.h" || complain "layouts.sh fails"
cmp -s "$work/layouts.h" "$source_folder/include/odeon/layouts.h" ||
    complain "include/odeon/layouts.h is not up to date: tests/abi/layouts.sh . >new && mv new include/odeon/layouts.h"

# Each header is in reach of an interface, itself or through others that include it; those of devices
# of all that are given one.
interfaces="BASE DEVICE DATASET LAYER TABLEAU GRADIENT OPTIMIZER LOSS SCHEDULE STEPPER OBSERVER VIEW"
mkdir "$work/lists"
bash "$make" "$source_folder" --lists "$work/lists" || complain "layouts.sh --lists fails"
for interface in $interfaces; do
    cp "$work/lists/$interface.headers" "$work/$interface"
done
families=0
for header in "$source_folder"/include/odeon/*.h; do
    name=$(basename "$header")
    case $name in
    odeon.h | layouts.h) continue ;; # everything, and the numbers themselves
    device_*.h)
        families=$((families + 1))
        for kind in DEVICE LAYER OPTIMIZER LOSS; do
            grep -qxF "$name" "$work/$kind" || complain "include/odeon/$name is not in reach of $kind"
        done
        ;;
    *)
        (cd "$work" && grep -qxF "$name" $interfaces) || complain "include/odeon/$name is in reach of no interface"
        ;;
    esac
done
[ "$families" -ge 11 ] || complain "only $families headers of devices found"

# What a plugin includes is in reach of its kind, so that a change of it refuses the plugin.
includes=0
declare -A in_reach
for interface in $interfaces; do
    in_reach[$interface]=$'\n'$(<"$work/$interface")$'\n'
done
tableaus=$'\n'$(grep -lE '(\(|^ +)TABLEAU, ' "$source_folder"/{plugins,tests/plugins}/integrator/*/*.[ch])$'\n'
tableau_is_frozen=$(grep -E "ODEON_LAYOUT_TABLEAU +0x00000001u" "$source_folder/include/odeon/layouts.h")
while read -r file name; do
    kind=${file#"$source_folder/"}
    kind=${kind#tests/}
    kind=${kind#*/}
    kind=${kind%%/*}
    case $name in
    odeon/odeon.h) continue ;;
    odeon/tableau.h) [ -z "$tableau_is_frozen" ] || continue ;; # it only grows, behind its struct_size
    odeon/*) ;;
    *) continue ;;
    esac
    includes=$((includes + 1))
    reach=${kind^^}
    # an integrator is a tableau, of that header alone, or a stepper
    if [ "$reach" = INTEGRATOR ]; then
        reach=STEPPER
        [[ $tableaus != *$'\n'"$file"$'\n'* ]] || reach=TABLEAU
    fi
    [[ ${in_reach[BASE]}${in_reach[$reach]} == *$'\n'"${name#odeon/}"$'\n'* ]] ||
        complain "$file includes $name, which is not in reach of its kind"
done < <(quoted_includes "$source_folder"/{plugins,tests/plugins}/*/*/*.[ch])
[ "$includes" -ge 250 ] || complain "only $includes public headers included by plugins"

# What is frozen has no number that changes: frozen.sh looks after that.
changed() { # sed script, header: the interfaces whose numbers change
    rm -rf "$work/copy"
    mkdir "$work/copy"
    cp -r "$source_folder/include" "$work/copy/include"
    sed -i -E "$1" "$work/copy/include/odeon/$2"
    ! cmp -s "$work/copy/include/odeon/$2" "$source_folder/include/odeon/$2" || complain "$2: nothing was changed by $1"
    bash "$make" "$work/copy" | diff - "$work/layouts.h" | sed -n 's/^< #define ODEON_LAYOUT_\([A-Z]*\) .*/\1/p' | tr '\n' ' '
}

expect() { # what, wanted, sed script, header
    found=$(changed "$3" "$4")
    [ "$found" = "$2" ] || complain "$1: changed are '$found', expected '$2'"
}

expect "a field within a layer's plan" "LAYER " 's|^(    uint64_t tape_bytes;)|    uint64_t planted;\n\1|' layer.h
expect "a slot of a device" "DEVICE LAYER GRADIENT OPTIMIZER LOSS " 's|^(    odeon_status \(\*wait\))|    void (*planted)(void);\n\1|' device.h
expect "a removed bit" "LAYER " '/ODEON_LAYER_RANDOM = /s/ODEON_LAYER_RANDOM/ODEON_LAYER_CHANCE/' layer.h
# That comments and names of parameters change none frozen.sh shows.

# A number is the checksum of a list: what is planted is in the lists of those whose number it has to
# change, and in no others. All of it is planted in one copy, each under a name of its own.
planted=() # names, and the interfaces
plant() { # line of the list, interfaces, sed script, header
    cp "$work/copy/include/odeon/$4" "$work/before"
    sed -i -E "$3" "$work/copy/include/odeon/$4"
    ! cmp -s "$work/before" "$work/copy/include/odeon/$4" || complain "$1: nothing was changed by $3"
    planted+=("$1|$2")
}

slot() { # name, interfaces, the slot that follows, header
    plant "field odeon_[a-z0-9_]* +[0-9]* $1 : void () \\*" "$2" "s|^(    odeon_status \\(\\*$3\\))|    void (*$1)(void);\n\1|" "$4"
}

field() { # name, interfaces, sed's address of lines or nothing, the field that follows, header
    plant "field odeon_[a-z0-9_]* +[0-9]* $1 : .*" "$2" "$3s/^(    $4)/    const odeon_view *$1;\n\1/" "$5"
}

rm -rf "$work/copy"
mkdir "$work/copy" "$work/new"
cp -r "$source_folder/include" "$work/copy/include"
devices="DEVICE LAYER LOSS OPTIMIZER"
plant "field odeon_ode_spec +0 in_container : int64_t" LAYER 's|^(typedef struct odeon_ode_spec \{)|\1\n    int64_t in_container;|' container.h
slot in_cuda LAYER check cuda.h
slot in_stepper STEPPER describe stepper.h
plant "enumerator ODEON_BINARY_ADD = 7" "$devices" 's|^    ODEON_BINARY_ADD = 0,|    ODEON_BINARY_ADD = 7,|' device_pointwise.h
while read -r family call before; do
    case $family in move | solver) who="DEVICE GRADIENT LAYER LOSS OPTIMIZER" ;; *) who=$devices ;; esac
    slot "in_$family" "$who" "$call" "device_$family.h"
    [ -z "$before" ] || field "in_$call" "$who" "/^typedef struct odeon_$call \\{/,/^\\}/" "const odeon_tensor \\*$before\\b" "device_$family.h"
done <<'END'
move cast
solver lincomb y
pointwise unary_vjp
product channel_sum
conv conv2d_vjp_x dx
pool pool2d_vjp
norm batch_norm y
random window2d
loss difference_loss
optimizer adam_step
END
field in_geometry "$devices" "" 'double flip_probability;' device_random.h
field in_layer_call LAYER "" 'const odeon_tensor \*grad;' layer.h
field in_loss_call LOSS "" 'const odeon_tensor \*sums;' loss.h
field in_evaluation GRADIENT "" 'const odeon_tensor \*dy;' field.h
field in_solve GRADIENT "" 'const odeon_view \*d_y;' gradient.h

bash "$make" "$work/copy" --lists "$work/new" || complain "layouts.sh --lists fails"
for row in "${planted[@]}"; do
    found=$(cd "$work/new" && grep -lx -- "${row%|*}" ./*.list | sed 's|^\./\(.*\)\.list|\1|' | sort | tr '\n' ' ')
    [ "$found" = "${row##*|} " ] || complain "'${row%|*}' is in the lists of '$found', expected '${row##*|} '"
done
[ "${#planted[@]}" -ge 20 ] || complain "only ${#planted[@]} changes were planted"
exit $failed
