#!/bin/bash
# Who may know whom: plugins and public headers include nothing of core/; core/ names no plugin;
# loading, INI parsing and the end of the program have one place each.
set -u
cd "$1" || exit 1
command -v gcc >/dev/null || {
    echo "not covered: $(basename "$0") (no gcc, which strips comments)"
    exit 0
}
shopt -s nullglob
. tests/support/sources.sh
failed=0

complain() {
    echo "FAILED: $1"
    failed=1
}

# A plugin includes public headers, its own folder's, and its kind's common ones.
plugins=(plugins/*/*/*.[ch])
checked=${#plugins[@]}
while read -r file header; do
    case $header in odeon/*) continue ;; esac
    case ${header#../common/} in
    *..*) ;;
    *) [ -e "${file%/*}/$header" ] && continue ;;
    esac
    complain "$file includes $header"
done < <(quoted_includes "${plugins[@]}")
[ "$checked" -ge 20 ] || complain "only $checked sources of plugins found"

# Plugins made for tests may borrow from others, but know the host no better.
while read -r file header; do
    [ -e "core/$header" ] && complain "$file includes $header"
done < <(quoted_includes tests/plugins/*/*/*.[ch] tests/hostile/*/*/*.[ch])

while read -r file header; do
    case $header in odeon/*) [ -e "include/$header" ] && continue ;; esac
    complain "$file includes $header"
done < <(quoted_includes include/odeon/*.h)

# The host takes ids from INI files, never from its own code. Some ids are words of the trade, which
# messages and names may use; those must only not be compared with.
words="adjoint arrays chain charts checkpoint constant csv dense direct dual identity images jsonl learned ode product reference relu report scale serve sigmoid sin softplus square steps sum tanh terminal"
ids=$(for folder in plugins/*/*/; do basename "$folder"; done | grep -vx common | sort -u)
[ "$(wc -w <<<"$ids")" -ge 20 ] || complain "only these plugins found: $ids"
code=$(code_of core/*/*.[ch] "${plugins[@]}")
[ "$(cut -f 1 <<<"$code" | sort -u | wc -l)" -ge 250 ] || complain "comments were not stripped"
while read -r file what id; do
    complain "$file ${what/_/ } plugins: $id"
done < <(awk -F'\t' -v ids="$ids" -v words="$words" '
    BEGIN {
        n = split(ids, part, /[[:space:]]+/)
        for (i = 1; i <= n; i++) id[part[i]]
        n = split(words, part, " ")
        for (i = 1; i <= n; i++) word[part[i]]
    }
    $1 !~ /^core\// { next }
    {
        compares = /str(n|case)?cmp[[:space:]]*\(/
        rest = substr($0, length($1) + 2)
        while (match(rest, /"[^"]*"/)) {
            n = split(substr(rest, RSTART + 1, RLENGTH - 2), part, /[^[:alnum:]_]+/)
            rest = substr(rest, RSTART + RLENGTH)
            for (i = 1; i <= n; i++) {
                if (!(part[i] in id)) continue
                if (!(part[i] in word)) print $1, "names", part[i]
                if (compares) print $1, "compares_with", part[i]
            }
        }
    }' <<<"$code" | sort -u)

# One place each.
loaders=$(grep -lE '\bdlm?open[[:space:]]*\(' core/*/*.[ch])
[ "$loaders" = core/plugin/library.c ] || complain "dlopen is called by: $loaders"
parsers=$(grep -lE '[<"]ini\.h[>"]' core/*/*.[ch])
case $parsers in core/format/ini*.c) ;; *) complain "ini.h is included by: $parsers" ;; esac
ends=$(grep -v '^core/command/main\.c' <<<"$code" |
    grep -E '(^|[^_[:alnum:]])(exit|abort|quick_exit)[[:space:]]*\(')
[ -z "$ends" ] || complain "the program is ended: $ends"
exit $failed
