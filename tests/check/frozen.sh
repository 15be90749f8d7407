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

fresh() { # makes copy
    rm -rf "$work/copy"
    mkdir "$work/copy"
    cp -r "$source_folder/include" "$work/copy/include"
}

plant() { # HEADER SED-SCRIPT: changes copy
    cp "$work/copy/include/odeon/$1" "$work/before"
    sed -i -E "$2" "$work/copy/include/odeon/$1"
    ! cmp -s "$work/copy/include/odeon/$1" "$work/before" || complain "$1: nothing was changed by $2"
}

minor_is() { # MINOR: that of copy
    sed -i -E "s/^#define ODEON_ABI_MINOR .*/#define ODEON_ABI_MINOR $1/" "$work/copy/include/odeon/abi.h"
}

checked() { # looks at copy
    FROZEN_HEADERS=$work/copy bash "$check" "$source_folder" >"$work/out"
}

# Each of these has a line of its own in one answer.
expected=()
breaks() { # WHAT WORDS HEADER SED-SCRIPT
    plant "$3" "$4"
    expected+=("$1" "$2")
}

all_red() { # each change since fresh is named
    checked && complain "changes that break are not noticed: ${expected[*]}"
    local i
    for ((i = 0; i < ${#expected[@]}; i += 2)); do
        grep -qF -- "${expected[i + 1]}" "$work/out" ||
            complain "${expected[i]}: no '${expected[i + 1]}' in $(cat "$work/out")"
    done
    expected=()
}

fresh
minor_is 99
breaks "a renumbered status" 'enumerator ODEON_ERR_DATA was "enumerator ODEON_ERR_DATA = -3"' \
    status.h 's/X\(ERR_DATA, -3,/X(ERR_DATA, -13,/'
breaks "a field within a tableau" 'field odeon_tableau.planted stands at 40, within the ' \
    tableau.h 's|^(    double filter_gamma;)|    double planted;\n\1|'
breaks "a removed bit" 'enumerator ODEON_TABLEAU_FSAL is gone' tableau.h 's/ODEON_TABLEAU_FSAL = 1/ODEON_TABLEAU_LAST = 1/'
breaks "another type of a parameter" 'field odeon_dataset_ops.get_batch was "' \
    dataset.h 's/\(\*get_batch\)\(void \*self, int64_t n/(*get_batch)(void *self, int32_t n/'
breaks "another dtype" 'macro ODEON_DTYPE_F16 was' tensor.h 's/^(#define ODEON_DTYPE_F16 .*)2, 16/\12, 15/'
breaks "a final structure that grows" 'structure odeon_choice was "size 16" and is "size 24"' \
    option.h 's/^\} odeon_choice;/    int64_t planted;\n} odeon_choice;/'
all_red

# Of one that both gates look at, each says so.
fresh
minor_is 99
breaks "a slot within the host table" 'field odeon_host.fail was "+32 : ' \
    host.h 's|^(    odeon_status \(\*fail\))|    void (*planted)(void);\n\1|'
all_red
grep -q "^FAILED: abidiff says" "$work/out" || complain "abidiff does not notice a slot within the host table"

fresh
minor_is "$minor"
breaks "a slot behind the last without a higher minor" 'BASE: it has grown, but the minor has not' \
    host.h 's/^\} odeon_host;/    void (*planted)(void);\n} odeon_host;/'
all_red

passes() { # WHAT: the changes since fresh are no break, and no draft has another number
    checked || complain "$1: $(cat "$work/out")"
    bash "$source_folder/tests/abi/layouts.sh" "$work/copy" | cmp -s - "$work/layouts.h" || complain "$1: a number changes"
}

fresh
plant plugin.h '1s|^/\*|/* planted:|'
plant host.h 's/const char \*text\);/const char *planted);/'
passes "a comment and the name of a parameter"

minor_is 99
plant host.h 's/^\} odeon_host;/    void (*planted)(void);\n} odeon_host;/'
plant dataset.h 's/^\} odeon_field_info;/    int64_t planted;\n} odeon_field_info;/'
plant status.h 's/(    X\(ERR_UNSUPPORTED, -10,.*\))/\1                                                \\\n    X(ERR_PLANTED, -11, 1, "planted")/'
passes "a slot, a field and a status behind the last with a higher minor"
exit $failed
