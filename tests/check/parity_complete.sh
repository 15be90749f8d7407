#!/bin/bash
# Every layer, loss, optimizer, integrator and gradient method is held against another implementation:
# its id stands in a string or an INI of tests/parity. Usage: parity_complete.sh SOURCE
set -u
cd "$1" || exit 1
missing=0

# All words that could choose a component.
words=$({
    grep -ohE '"[^"]*"' tests/parity/*.c
    sed 's/;.*//' tests/parity/*/*.ini
} | grep -oE '[a-z][a-z0-9_]*' | sort -u)

for kind in layer loss optimizer integrator gradient; do
    for folder in plugins/"$kind"/*/; do
        id=$(basename "$folder")
        [ "$id" != common ] || continue
        grep -qx "$id" <<<"$words" && continue
        echo "FAILED: $kind $id has no test in tests/parity"
        missing=1
    done
done
exit "$missing"
