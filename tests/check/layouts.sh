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
# Eight changed copies follow, in most of which most interfaces are the same to the compiler.
export LAYOUTS_KEPT=$work/kept
mkdir "$LAYOUTS_KEPT"
bash "$make" "$source_folder" >"$work/layouts.h" || complain "layouts.sh fails"
cmp -s "$work/layouts.h" "$source_folder/include/odeon/layouts.h" ||
    complain "include/odeon/layouts.h is not up to date: tests/abi/layouts.sh . >new && mv new include/odeon/layouts.h"

# Each header is in reach of an interface, itself or through others that include it; those of devices
# of all that are given one.
interfaces="BASE DEVICE DATASET LAYER TABLEAU GRADIENT OPTIMIZER LOSS SCHEDULE STEPPER OBSERVER VIEW"
for interface in $interfaces; do
    bash "$make" "$source_folder" --headers "$interface" >"$work/$interface" || complain "layouts.sh --headers fails"
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
while read -r file name; do
    kind=${file#"$source_folder/"}
    kind=${kind#tests/}
    kind=${kind#*/}
    kind=${kind%%/*}
    case $name in odeon/odeon.h) continue ;; odeon/*) ;; *) continue ;; esac
    includes=$((includes + 1))
    reach=${kind^^}
    # an integrator is a tableau, of that header alone, or a stepper
    [ "$reach" != INTEGRATOR ] || { grep -qE '(\(|^ +)TABLEAU, ' "$file" && reach=TABLEAU; } || reach=STEPPER
    cat "$work/BASE" "$work/$reach" | grep -qxF "${name#odeon/}" ||
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
expect "a field within a container's call" "LAYER " 's|^(typedef struct odeon_ode_spec \{)|\1\n    int64_t planted;|' container.h
expect "a slot of the CUDA extension" "LAYER " 's|^(    odeon_status \(\*check\))|    void (*planted)(void);\n\1|' cuda.h
expect "a slot of a stepper" "STEPPER " 's|^(    odeon_status \(\*describe\))|    void (*planted)(void);\n\1|' stepper.h
expect "a renumbered enumerator" "DEVICE LAYER OPTIMIZER LOSS " 's|^    ODEON_BINARY_ADD = 0,|    ODEON_BINARY_ADD = 7,|' device_pointwise.h
expect "a slot of a device" "DEVICE LAYER GRADIENT OPTIMIZER LOSS " 's|^(    odeon_status \(\*wait\))|    void (*planted)(void);\n\1|' device.h
while read -r family call field; do
    case $family in move | solver) who="DEVICE LAYER GRADIENT OPTIMIZER LOSS " ;; *) who="DEVICE LAYER OPTIMIZER LOSS " ;; esac
    expect "a slot in the middle of family $family" "$who" "s|^(    odeon_status \\(\\*$call\\))|    void (*planted)(void);\n\1|" "device_$family.h"
    [ -z "$field" ] || expect "a field of a call of family $family" "$who" "/^typedef struct odeon_$call \\{/,/^\\}/s|^(    const odeon_tensor \\*$field\\b)|    const odeon_view *planted;\n\1|" "device_$family.h"
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
expect "a field of a geometry" "DEVICE LAYER OPTIMIZER LOSS " 's|^(    double flip_probability;)|    double planted;\n\1|' device_random.h
expect "a field of a layer's call" "LAYER " 's|^(    const odeon_tensor \*grad;)|    const odeon_view *planted;\n\1|' layer.h
expect "a field of a loss's call" "LOSS " 's|^(    const odeon_tensor \*sums;)|    const odeon_view *planted;\n\1|' loss.h
expect "a field of an evaluation" "GRADIENT " 's|^(    const odeon_tensor \*dy;)|    const odeon_view *planted;\n\1|' field.h
expect "a field of a solve" "GRADIENT " 's|^(    const odeon_view \*d_y;)|    const odeon_view *planted;\n\1|' gradient.h
expect "a removed bit" "LAYER " '/ODEON_LAYER_RANDOM = /s/ODEON_LAYER_RANDOM/ODEON_LAYER_CHANCE/' layer.h
expect "a comment" "" '1s|^/\*|/* planted:|' layer.h
expect "the name of a parameter" "" 's|void \*self, odeon_status mine\);|void *planted, odeon_status mine);|' group.h
exit $failed
