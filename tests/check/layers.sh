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
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAILED: $1"
    failed=1
}

code_of() { # a source without its comments and without what it includes, stripped once
    if [ ! -e "$work/$1" ]; then
        mkdir -p "$work/$(dirname "$1")"
        gcc -fpreprocessed -dD -E -x c "$1" 2>/dev/null | grep -v '^#include' >"$work/$1"
    fi
    cat "$work/$1"
}

quoted_includes() {
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$1"
}

# A plugin includes public headers, its own folder's, and its kind's common ones.
checked=0
for file in plugins/*/*/*.[ch]; do
    checked=$((checked + 1))
    for header in $(quoted_includes "$file"); do
        case $header in odeon/*) continue ;; esac
        case ${header#../common/} in
        *..*) ;;
        *) [ -e "${file%/*}/$header" ] && continue ;;
        esac
        complain "$file includes $header"
    done
done
[ "$checked" -ge 20 ] || complain "only $checked sources of plugins found"

# Plugins made for tests may borrow from others, but know the host no better.
for file in tests/plugins/*/*/*.[ch] tests/hostile/*/*/*.[ch]; do
    for header in $(quoted_includes "$file"); do
        [ -e "core/$header" ] && complain "$file includes $header"
    done
done

for file in include/odeon/*.h; do
    for header in $(quoted_includes "$file"); do
        case $header in odeon/*) [ -e "include/$header" ] && continue ;; esac
        complain "$file includes $header"
    done
done

# The host takes ids from INI files, never from its own code. Some ids are words of the trade, which
# messages and names may use; those must only not be compared with.
words="adjoint chain constant csv dense direct identity ode reference scale steps sum"
ids=$(for folder in plugins/*/*/; do basename "$folder"; done | grep -vx common | sort -u)
[ "$(wc -w <<<"$ids")" -ge 20 ] || complain "only these plugins found: $ids"
names=$(grep -vxF "$(tr ' ' '\n' <<<"$words")" <<<"$ids")
for file in core/*/*.[ch]; do
    code=$(code_of "$file")
    named=$(grep -o '"[^"]*"' <<<"$code" | grep -owF "$names" | sort -u | tr '\n' ' ')
    [ -z "$named" ] || complain "$file names plugins: $named"
    compared=$(grep -E 'str(n|case)?cmp[[:space:]]*\(' <<<"$code" | grep -o '"[^"]*"' |
        grep -owF "$ids" | sort -u | tr '\n' ' ')
    [ -z "$compared" ] || complain "$file compares with plugins: $compared"
done

# One place each.
loaders=$(grep -lE '\bdlm?open[[:space:]]*\(' core/*/*.[ch])
[ "$loaders" = core/plugin/module.c ] || complain "dlopen is called by: $loaders"
parsers=$(grep -lE '[<"]ini\.h[>"]' core/*/*.[ch])
case $parsers in core/format/ini*.c) ;; *) complain "ini.h is included by: $parsers" ;; esac
for file in core/*/*.[ch] plugins/*/*/*.[ch]; do
    [ "$file" = core/command/main.c ] && continue
    ends=$(code_of "$file" | grep -nE '\b(exit|abort|quick_exit)[[:space:]]*\(')
    [ -z "$ends" ] || complain "$file ends the program: $ends"
done
exit $failed
