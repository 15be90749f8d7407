#!/bin/sh
# Tolerances times seeds by GNU parallel (Debian: parallel), as many side by side as there are
# processors, one worker each.
#
#   conf/examples/parallel.sh INI FOLDER [OPTION OF PARALLEL ...]
#
# Each run is a folder in FOLDER, each line of JSON goes to standard output. Repeated, it runs what has
# failed or was stopped. `odeon runs FOLDER` and `odeon report FOLDER/rtol*/` show them together.
set -eu
[ $# -ge 2 ] || { echo "parallel.sh: give INI FOLDER [OPTION ...]" >&2 && exit 2; }
here=$(dirname "$0") ini=$1 folder=$2
shift 2
mkdir -p "$folder"
parallel --joblog "$folder/jobs" --resume-failed "$@" \
    "$here/one_run.sh" "$folder/rtol={1},seed={2}" "$ini" model.ode.rtol={1} run.seed={2} run.workers=1 \
    ::: 1e-3 1e-5 ::: 1 2 3
