#!/bin/sh
# One run for a program that drives many: begun, or gone on with where it was stopped. Prints the line
# of JSON of `odeon train --json` alone, and ends with the run's own exit code.
#
#   conf/examples/one_run.sh FOLDER INI [KEY=VALUE ...]
#
# The line stays in FOLDER.json, what else the run prints in FOLDER.log. A run that has finished is not
# run again. ODEON names the program, else it is build/odeon.
set -eu
[ $# -ge 2 ] || { echo "one_run.sh: give FOLDER INI [KEY=VALUE ...]" >&2 && exit 2; }
odeon=${ODEON:-build/odeon} folder=$1 code=0
shift

if grep -qs '"state": "finished"' "$folder.json"; then
    cat "$folder.json"
    exit 0
fi
mkdir -p "$(dirname "$folder")"
if [ -e "$folder" ]; then
    set -- "$folder" --resume
else
    set -- "$@" "run.out=$folder"
fi
trap : INT TERM # the run gets them too and saves; its line is waited for
"$odeon" train "$@" --json >"$folder.out" 2>>"$folder.log" || code=$?
sed '$d' "$folder.out" >>"$folder.log"
tail -n 1 "$folder.out" >"$folder.json"
rm "$folder.out"
cat "$folder.json"
exit "$code"
