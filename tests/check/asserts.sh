#!/bin/bash
# Whoever reads what others wrote - INI and safetensors files, data sets, plugins, the command line -
# has no assert: what such input can cause is an error in release builds too. (layers.sh sees to it
# that nothing below main ends the program.)
set -u
cd "$1" || exit 1
command -v gcc >/dev/null || {
    echo "not covered: $(basename "$0") (no gcc, which strips comments)"
    exit 0
}
failed=0
seen=0

without_comments() {
    gcc -fpreprocessed -dD -E -x c "$1" 2>/dev/null
}

# One pattern must find at least one file, lest it be a name of the past.
look_at() {
    local file found
    for file in $1; do
        [ -e "$file" ] || { echo "FAILED: no file is named $1"; failed=1; continue; }
        seen=$((seen + 1))
        found=$(without_comments "$file" | grep -nE '(^|[^_[:alnum:]])assert[[:space:]]*\(')
        [ -z "$found" ] || { echo "FAILED: $file: $found"; failed=1; }
    done
}

for pattern in 'core/*/*.c' 'plugins/dataset/*/*.c'; do
    look_at "$pattern"
done
[ "$seen" -ge 150 ] || { echo "FAILED: only $seen files found"; failed=1; }
echo "$seen files"
exit $failed
