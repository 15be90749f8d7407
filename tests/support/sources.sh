# Sourced by the tests of the sources, which are called in the root of the tree.

# code_of FILE...: every line of the files without comments, as "FILE<tab>LINE"; includes are left out.
# One process for all files: markers of the preprocessor's own kind part them.
code_of() {
    awk 'FNR == 1 { printf "# 1 \"%s\"\n", FILENAME } { print }' "$@" |
        gcc -fpreprocessed -dD -E -x c - 2>/dev/null |
        awk '/^# [0-9]+ "/ { split($0, part, "\""); file = part[2]; next }
            /^#include/ { next }
            { print file "\t" $0 }'
}

# quoted_includes FILE...: "FILE HEADER" for every #include "HEADER".
quoted_includes() {
    awk '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/ {
        split($0, part, "\""); print FILENAME, part[2] }' "$@"
}
