#!/bin/bash
# Are the frozen interfaces what they were when they were frozen (tests/abi/frozen.sh)? Is what may not
# change noticed where it is planted, and does what may pass without a new number for any draft?
set -u
source_folder=$1
check=$source_folder/tests/abi/frozen.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAILED: $1"
    failed=1
}

# Most copies below are the same to the compiler in most interfaces.
export LAYOUTS_KEPT=$work/kept
mkdir "$LAYOUTS_KEPT"
bash "$check" "$source_folder" || failed=1
bash "$source_folder/tests/abi/layouts.sh" "$source_folder" >"$work/layouts.h" || complain "layouts.sh fails"
[ $failed -eq 0 ] || exit 1

# A gate without its tool is no gate.
mkdir "$work/bin"
for tool in awk bash readelf dirname mktemp sed cat rm basename abidw grep sort tr cp gcc; do
    ln -s "$(command -v $tool)" "$work/bin/$tool"
done
PATH=$work/bin bash "$check" "$source_folder" >"$work/out" && complain "it passes without abidiff"
grep -qx 'FAILED: abidiff is missing, .*: install abigail-tools' "$work/out" || complain "nobody says what to install"

# The minor that was frozen; that of the headers is higher from the first addition to a release.
minor=$(sed -nE '1s/^abi [0-9]+\.([0-9]+)$/\1/p' "$source_folder/tests/abi/golden/base.layout")

plant() { # HEADER SED-SCRIPT [MINOR]: makes copy, with another minor if one is wanted
    rm -rf "$work/copy"
    mkdir "$work/copy"
    cp -r "$source_folder/include" "$work/copy/include"
    sed -i -E "$2" "$work/copy/include/odeon/$1"
    ! cmp -s "$work/copy/include/odeon/$1" "$source_folder/include/odeon/$1" || complain "$1: nothing was changed by $2"
    [ -z "${3-}" ] || sed -i -E "s/^#define ODEON_ABI_MINOR .*/#define ODEON_ABI_MINOR $3/" "$work/copy/include/odeon/abi.h"
}

red() { # WHAT WORDS HEADER SED-SCRIPT [MINOR]
    plant "$3" "$4" "${5-}"
    FROZEN_HEADERS=$work/copy bash "$check" "$source_folder" >"$work/out" && complain "$1 is not noticed"
    grep -qF -- "$2" "$work/out" || complain "$1: no '$2' in $(cat "$work/out")"
}

green() { # WHAT HEADER SED-SCRIPT [MINOR]: also no draft has another number
    plant "$2" "$3" "${4-}"
    FROZEN_HEADERS=$work/copy bash "$check" "$source_folder" >"$work/out" || complain "$1: $(cat "$work/out")"
    bash "$source_folder/tests/abi/layouts.sh" "$work/copy" | cmp -s - "$work/layouts.h" || complain "$1: a number changes"
}

red "a renumbered status" 'enumerator ODEON_ERR_DATA was "enumerator ODEON_ERR_DATA = -3"' \
    status.h 's/X\(ERR_DATA, -3,/X(ERR_DATA, -13,/' 99
red "a slot within the host table" 'field odeon_host.fail was "+32 : ' \
    host.h 's|^(    odeon_status \(\*fail\))|    void (*planted)(void);\n\1|' 99
grep -q "^FAILED: abidiff says" "$work/out" || complain "abidiff does not notice a slot within the host table"
red "a field within a tableau" 'field odeon_tableau.planted stands at 40, within the ' \
    tableau.h 's|^(    double filter_gamma;)|    double planted;\n\1|' 99
red "a removed bit" 'enumerator ODEON_TABLEAU_FSAL is gone' tableau.h 's/ODEON_TABLEAU_FSAL = 1/ODEON_TABLEAU_LAST = 1/' 99
red "another type of a parameter" 'field odeon_dataset_ops.get_batch was "' \
    dataset.h 's/\(\*get_batch\)\(void \*self, int64_t n/(*get_batch)(void *self, int32_t n/' 99
red "another dtype" 'macro ODEON_DTYPE_F16 was' tensor.h 's/^(#define ODEON_DTYPE_F16 .*)2, 16/\12, 15/' 99
red "a final structure that grows" 'structure odeon_choice was "size 16" and is "size 24"' \
    option.h 's/^\} odeon_choice;/    int64_t planted;\n} odeon_choice;/' 99
red "a slot behind the last without a higher minor" 'BASE: it has grown, but the minor has not' \
    host.h 's/^\} odeon_host;/    void (*planted)(void);\n} odeon_host;/' "$minor"

green "a comment" plugin.h '1s|^/\*|/* planted:|'
green "the name of a parameter" host.h 's/const char \*text\);/const char *planted);/'
green "a slot behind the last with a higher minor" host.h 's/^\} odeon_host;/    void (*planted)(void);\n} odeon_host;/' 99
green "a field behind the last with a higher minor" dataset.h 's/^\} odeon_field_info;/    int64_t planted;\n} odeon_field_info;/' 99
green "another status with a higher minor" status.h 's/(    X\(ERR_UNSUPPORTED, -10,.*\))/\1                                                \\\n    X(ERR_PLANTED, -11, 1, "planted")/' 99
exit $failed
