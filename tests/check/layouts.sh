#!/bin/bash
# Are the layout numbers of include/odeon/layouts.h those of the headers? Does every header count in
# at least one of them? Do changes that matter change them, and others not?
set -u
source_folder=$1
make=$source_folder/tests/abi/layouts.sh
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

# Each header is in reach of an interface, itself or through others that include it.
bash "$make" "$source_folder" --headers >"$work/reached" || complain "layouts.sh --headers fails"
for header in "$source_folder"/include/odeon/*.h; do
    name=$(basename "$header")
    case $name in odeon.h | layouts.h) continue ;; esac # everything, and the numbers themselves
    grep -qxF "$name" "$work/reached" ||
        complain "include/odeon/$name is in reach of no interface"
done

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
expect "a renumbered enumerator" "DEVICE LAYER INTEGRATOR GRADIENT OPTIMIZER LOSS " 's|^enum \{ ODEON_BINARY_ADD = 0, |enum { ODEON_BINARY_ADD = 7, |; s|^    ODEON_BINARY_ADD = 0,|    ODEON_BINARY_ADD = 7,|' device.h
expect "a removed bit" "LAYER " '/ODEON_LAYER_RANDOM = /s/ODEON_LAYER_RANDOM/ODEON_LAYER_CHANCE/' layer.h
expect "a comment" "" '1s|^/\*|/* planted:|' layer.h
expect "the name of a parameter" "" 's|void \*self, odeon_status mine\);|void *planted, odeon_status mine);|' group.h
expect "a field of what all share" "BASE " 's|^(    const char \*vendor;)|    const char *planted;\n\1|' plugin.h
exit $failed
