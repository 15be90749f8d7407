#!/bin/bash
# Every plugin exports odeon_plugin_v1 and nothing else, and needs nothing of the host at link time.
set -u
build_folder=$2
failed=0
seen=0

complain() {
    echo "FAILED: $1"
    failed=1
}

for plugin in "$build_folder"/plugins/*/*.so; do
    seen=$((seen + 1))
    exported=$(nm -D --defined-only "$plugin" | awk '{ print $3 }')
    [ "$exported" = odeon_plugin_v1 ] || complain "$plugin exports: ${exported:-nothing}"
    dynamic=$(readelf -dW "$plugin") || complain "$plugin cannot be read"
    grep -q 'NEEDED.*libodeon' <<<"$dynamic" && complain "$plugin needs the host's library"
    grep -q TEXTREL <<<"$dynamic" && complain "$plugin has text relocations"
    grep -Eq '(RPATH|RUNPATH)' <<<"$dynamic" && complain "$plugin has a search path of its own"
    readelf -nW "$plugin" | grep -q Odeon || complain "$plugin has no Odeon note"
done
[ "$seen" -ge 20 ] || complain "only $seen plugins found"
echo "$seen plugins"
exit $failed
