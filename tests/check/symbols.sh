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

plugins=("$build_folder"/plugins/*/*.so)
seen=${#plugins[@]}

# One call of each tool for all plugins; "PLUGIN WHAT" for every claim that does not hold.
while read -r plugin what; do
    complain "$plugin $what"
done < <(
    nm -AD --defined-only "${plugins[@]}" | awk -v files="${plugins[*]}" '
        { file = $1; sub(/:[^:]*$/, "", file) }
        $NF == "odeon_plugin_v1" { found[file] = 1; next }
        { print file, "exports: " $NF }
        END {
            n = split(files, file_at, " ")
            for (i = 1; i <= n; i++) if (!(file_at[i] in found)) print file_at[i], "exports no odeon_plugin_v1"
        }'
    readelf -dnW "${plugins[@]}" | awk -v files="${plugins[*]}" '
        /^File: / { file = $2; next }
        /^Dynamic section/ { dynamic[file] = 1 }
        /NEEDED.*libodeon/ { print file, "needs the host\047s library" }
        /TEXTREL/ { print file, "has text relocations" }
        /RPATH|RUNPATH/ { print file, "has a search path of its own" }
        /Odeon/ { note[file] = 1 }
        END {
            n = split(files, file_at, " ")
            for (i = 1; i <= n; i++) {
                if (!(file_at[i] in dynamic)) print file_at[i], "cannot be read"
                if (!(file_at[i] in note)) print file_at[i], "has no Odeon note"
            }
        }'
)
[ "$seen" -ge 20 ] || complain "only $seen plugins found"
echo "$seen plugins"
exit $failed
