#!/bin/bash
# Every public header compiles alone, as C11 by gcc and as C++11 by clang, without hidden padding and
# without any warning; with ODEON_HEADERS=all, or without clang, as both by either.
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
    local names=() header name
    for header in "$source_folder"/include/*.h "$source_folder"/include/*/*.h; do
        name=${header#"$source_folder/include/"}
        names+=("$work/${name//\//_}.$3")
        echo "#include \"$name\"" >"${names[-1]}"
    done
    # One call for all headers, each of which is a translation unit of its own.
    # shellcheck disable=SC2086
    if "$1" -std="$2" $flags -I"$source_folder/include" "${names[@]}"; then
        compiled=$((compiled + ${#names[@]}))
    else
        echo "FAILED: $1 -std=$2"
        failed=1
    fi
}

compile gcc c11 c
if [ "${ODEON_HEADERS-}" = all ] || ! command -v clang++ >/dev/null; then
    compile g++ c++11 cc
    compile clang c11 c
fi
compile clang++ c++11 cc
if [ "$compiled" -eq 0 ]; then
    echo "FAILED: nothing was compiled"
    failed=1
fi
echo "$compiled compilations"
exit $failed
