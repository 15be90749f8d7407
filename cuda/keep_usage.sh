#!/usr/bin/env bash
# keep_usage.sh OBJECT COMMAND...: runs a compiler. What ptxas says of registers and memory goes to
# OBJECT.usage, where usage.sh finds it; all else to stderr, where it belongs.
set -u
object=$1
shift
case $object in
*.cu.o) ;;
*) exec "$@" ;;
esac
answer=0
"$@" 2>"$object.said" || answer=$?
about='^ptxas info|^ +[0-9]+ bytes stack frame|^$'
grep -E "$about" "$object.said" >"$object.usage"
grep -vE "$about" "$object.said" >&2
rm -f "$object.said"
exit "$answer"
