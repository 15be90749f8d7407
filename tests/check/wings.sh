#!/bin/bash
# The wings of core/ stand in an order, and a file knows its own wing and those before it, by what it
# includes and by the symbols that it refers to. No modules (X.c with X.h and X_body.h) know one
# another in a circle, neither here nor in cuda/ and the plugins. What a file of core/ defines for
# others is declared in its own header, or in one that is public or shared by its wing.
set -u
cd "$1" || exit 1
build_folder=$2
wings="base format option plugin device solver config data net ode session run command"
# Headers that declare what several sources of the wing define.
shared="command/command.h net/net.h ode/ode.h solver/solver.h"
# Circles that are still there, one a line: this list only shrinks.
known="
"
command -v nm >/dev/null || {
    echo "not covered: $(basename "$0") (no nm, which reads objects)"
    exit 0
}
shopt -s nullglob
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAILED: $1" >&2
    failed=1
}

count() { # WHAT PART
    sed -n "s/^$1 //p" "$work/$2"
}

at_least() { # WHAT COUNT LEAST
    echo "$2 $1"
    [ "$2" -ge "$3" ] || complain "only $2 $1 found"
}

# "FILE HEADER" for every #include "HEADER"
includes_of() {
    awk 'match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) {
        header = substr($0, RSTART, RLENGTH)
        sub(/^[^"]*"/, "", header); sub(/"$/, "", header)
        print FILENAME, header
    }' "$@"
}

# "FROM TO includes" of modules for lines "FILE HEADER": a header is looked for beside the file and
# below the folders given; one that is found nowhere is the system's or a public one.
edges_between() {
    local file header folder path
    while read -r file header; do
        for folder in "${file%/*}" "$@"; do
            path=$folder/$header
            [ -e "$path" ] || continue
            while [[ $path =~ ^(.*/)?[^/.]+/\.\./(.*)$ ]]; do
                path=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
            done
            file=${file%.*} path=${path%.*}
            echo "${file%_body} ${path%_body} includes"
            break
        done
    done
}

# "MODULE TYPE SYMBOL" for the objects listed, MODULE counting from the folder given. What compilers
# add for sanitizers and coverage begins with __.
symbols_of() {
    xargs nm -Ag 2>/dev/null | awk -v folder="$1/" '$NF !~ /^__/ {
        module = substr($1, length(folder) + 1)
        sub(/\.c\.o:.*/, "", module)
        print module, $(NF - 1), $NF
    }'
}

# Of lines "FROM TO WHY": FAILED with one way around for every circle that is no part of one in the
# list, and for every module in the list that is in no circle any more. Ends with how many modules.
circles() { # AREA LIST
    awk -v area="$1" -v list="$2" '
    # Fills reach and, towards the start, before: what x comes to in one step or more.
    function walk(start,    queue, head, tail, x, y) {
        split("", before)
        queue[tail = 1] = start
        for (head = 1; head <= tail; head++) {
            x = queue[head]
            for (y in node) if ((x, y) in why && !(y in before)) {
                before[y] = x; reach[start, y]; queue[++tail] = y
            }
        }
    }
    function way_around(x,    y, text) {
        walk(x)
        y = x
        do { text = " -> " y " (" why[before[y], y] ")" text; y = before[y] } while (y != x)
        return x text
    }
    { seen[$1]; seen[$2] }
    $1 != $2 && !(($1, $2) in why) { why[$1, $2] = $3; node[$1]; node[$2] }
    END {
        do { # what knows nobody, or is known by nobody, is in no circle
            gone = 0
            split("", knows); split("", known)
            for (pair in why) {
                split(pair, end, SUBSEP)
                if (end[1] in node && end[2] in node) { knows[end[1]]; known[end[2]] }
            }
            for (x in node) if (!(x in knows) || !(x in known)) { delete node[x]; gone++ }
        } while (gone)
        lines = split(list, line, "\n")
        for (i = 1; i <= lines; i++) {
            words = split(line[i], word, " ")
            for (j = 1; j <= words; j++) listed[word[j]] = i
        }
        for (x in node) walk(x)
        for (x in node) if (!(x in told) && (x, x) in reach) {
            text = ""; size = 0; fresh = 0
            for (y in node) if ((x, y) in reach && (y, x) in reach) {
                told[y]; size++; text = text " " y
                if (!(y in listed) || listed[y] != listed[x]) fresh = 1
            }
            if (fresh)
                print "FAILED: " area ": a circle of " size " modules," text ": " way_around(x)
        }
        for (x in listed) if (!(x in told))
            print "FAILED: " x " is in no circle any more: strike it from the list of circles"
        for (x in seen) modules++
        print "modules", modules + 0
    }'
}

# ---- what core/ includes ----

files=(core/*/*.[ch])
includes_of "${files[@]}" | awk -v wings="$wings" '
BEGIN { n = split(wings, order, " "); for (i = 1; i <= n; i++) rank[order[i]] = i }
$2 ~ /^odeon\// || $2 == "odeon_run.h" { next } # public
{
    split($1, own, "/"); parts = split($2, other, "/")
    includes++
    if (parts != 2 || !(other[1] in rank))
        print "FAILED: " $1 " includes \"" $2 "\": write WING/NAME.h"
    else if (rank[other[1]] > rank[own[2]])
        print "FAILED: " $1 " includes " $2 ", of a wing above its own"
    from = own[2] "/" own[3]; to = $2
    sub(/\.[ch]$/, "", from); sub(/\.h$/, "", to)
    print "edge", from, to, "includes"
}
END { print "includes", includes + 0 }' >"$work/includes"
for file in core/*.[ch] core/*/*/*.[ch]; do
    complain "$file stands in no wing"
done
for folder in core/*/; do
    wing=${folder#core/}
    case " $wings " in *" ${wing%/} "*) ;; *) complain "$folder is none of the wings: $wings" ;; esac
done

# ---- what its objects refer to ----

objects=$build_folder/core/CMakeFiles/odeon_core.dir
for source in core/*/*.c; do
    object=$objects/${source#core/}.o
    [ "$source" = core/command/main.c ] && continue
    if [ -e "$object" ]; then echo "$object"; else complain "$source is not built"; fi
done >"$work/objects"
symbols_of "$objects" <"$work/objects" >"$work/symbols"
awk -v wings="$wings" '
BEGIN { n = split(wings, order, " "); for (i = 1; i <= n; i++) rank[order[i]] = i }
NR == FNR { if ($2 ~ /^[A-TV-Z]$/) { home[$3] = $1; symbols++ } next }
$2 == "U" && ($3 in home) {
    split($1, own, "/"); split(home[$3], other, "/")
    if (rank[other[1]] > rank[own[1]])
        print "FAILED: core/" $1 ".c refers to " $3 " of core/" home[$3] ".c, of a wing above its own"
    print "edge", $1, home[$3], $3
}
END { print "symbols", symbols + 0 }' "$work/symbols" "$work/symbols" >"$work/references"

# ---- circles ----

cat "$work/includes" "$work/references" | sed -n 's/^edge //p' |
    circles core "$known" >"$work/core"
# Of cuda/ the symbols count as well, where it was built: ops/ops.h declares what files above it
# define.
objects=$build_folder/cuda/CMakeFiles/odeon_device_cuda.dir
for source in cuda/*.c cuda/ops/*.c; do
    object=$objects/${source#cuda/}.o
    [ -e "$object" ] && echo "$object"
done | symbols_of "$objects" >"$work/cuda_symbols"
for area in cuda plugins; do
    case $area in
    cuda) files=(cuda/*.[ch] cuda/*/*.[ch]) below="cuda plugins/device" ;;
    plugins) files=(plugins/*/*/*.[ch]) below="" ;;
    esac
    {
        includes_of "${files[@]}" | edges_between $below
        [ "$area" = cuda ] && awk '
            NR == FNR { if ($2 != "U") home[$3] = $1; next }
            $2 == "U" && ($3 in home) { print "cuda/" $1, "cuda/" home[$3], $3 }
        ' "$work/cuda_symbols" "$work/cuda_symbols"
    } | circles "$area" "" >"$work/$area"
done

# ---- where names are declared ----

# "HEADER NAME" for the names in declarations outside of braces and parentheses.
awk '
FNR == 1 { comment = depth = 0 }
{
    text = $0
    while (match(text, /\/\*|\*\//)) {
        mark = substr(text, RSTART, 2)
        if (mark == "/*") { code = code substr(text, 1, RSTART - 1); comment = 1 }
        else comment = 0
        text = substr(text, RSTART + 2)
    }
    if (!comment) code = code text
    if (code ~ /^#ifdef __cplusplus/) foreign = 1
    else if (code ~ /^#endif/) foreign = 0
    if (foreign) code = ""
    if (code !~ /^[ \t]*#/) {
        gsub(/[^A-Za-z0-9_]/, " & ", code)
        n = split(code, token, " ")
        for (i = 1; i <= n; i++) {
            if (token[i] ~ /^[({]$/) depth++
            else if (token[i] ~ /^[)}]$/) depth--
            else if (!depth && token[i] ~ /^[A-Za-z_]/) print FILENAME, token[i]
        }
    }
    code = ""
}' include/odeon_run.h core/*/*.h >"$work/declared"
awk -v shared="$shared" '
BEGIN { n = split(shared, header, " "); for (i = 1; i <= n; i++) common[header[i]] }
NR == FNR { sub(/^core\//, "", $1); declares[$1, $2]; names++; next }
$2 ~ /^[A-TV-Z]$/ {
    if (($1 ".h", $3) in declares || ("include/odeon_run.h", $3) in declares) next
    for (h in common) if (h ~ ("^" substr($1, 1, index($1, "/"))) && (h, $3) in declares) next
    print "FAILED: core/" $1 ".c defines " $3 ", which core/" $1 ".h does not declare"
}
END { print "declared", names + 0 }' "$work/declared" "$work/symbols" >"$work/homes"

for part in includes references core cuda plugins homes; do
    grep '^FAILED' "$work/$part" && failed=1
done
at_least includes "$(count includes includes)" 800
at_least symbols "$(count symbols references)" 600
at_least "declared names" "$(count declared homes)" 1000
at_least "modules of core" "$(count modules core)" 150
at_least "modules of cuda" "$(count modules cuda)" 30
at_least "modules of plugins" "$(count modules plugins)" 50
exit $failed
