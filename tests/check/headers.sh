#!/bin/bash
# Every public header compiles alone, as C11 and as C++17, with both compilers, without hidden
# padding and without any warning.
set -u
source_folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-Wall -Wextra -Wpedantic -Wpadded -Wshadow -Wconversion -Werror -fsyntax-only"
failed=0
compiled=0

compile() { # compiler, standard, suffix
    if ! command -v "$1" >/dev/null; then
        echo "not covered: headers by $1 (not installed)"
        return
    fi
    for header in "$source_folder"/include/*.h "$source_folder"/include/*/*.h; do
        name=${header#"$source_folder/include/"}
        echo "#include \"$name\"" >"$work/alone.$3"
        # shellcheck disable=SC2086
        if "$1" -std="$2" $flags -I"$source_folder/include" "$work/alone.$3"; then
            compiled=$((compiled + 1))
        else
            echo "FAILED: $1 -std=$2: $name"
            failed=1
        fi
    done
}

compile gcc c11 c
compile g++ c++17 cc
compile clang c11 c
compile clang++ c++17 cc
if [ "$compiled" -eq 0 ]; then
    echo "FAILED: nothing was compiled"
    failed=1
fi
echo "$compiled compilations"
exit $failed
