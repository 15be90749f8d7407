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
. tests/support/sources.sh
failed=0
files=(core/*/*.c plugins/dataset/*/*.c)
code=$(code_of "${files[@]}")
found=$(grep -E '(^|[^_[:alnum:]])assert[[:space:]]*\(' <<<"$code")
[ -z "$found" ] || { echo "FAILED: $found"; failed=1; }
for pattern in core/ plugins/dataset/; do # lest it be a name of the past
    grep -q "^$pattern" <<<"$code" || { echo "FAILED: no file is below $pattern"; failed=1; }
done
seen=$(cut -f 1 <<<"$code" | sort -u | wc -l)
[ "$seen" -ge 150 ] || { echo "FAILED: only $seen files found"; failed=1; }
echo "$seen files"
exit $failed
