#!/usr/bin/env bash
# conf/figures/make.sh [FOLDER]: the pictures that README opens with, from runs of a few seconds each.
# They are written to FOLDER, else beside this file. Build first: ./quickstart.sh, or README's commands.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
odeon=${ODEON:-$here/../../build/odeon}
to=${1:-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$odeon" train "$here/../spiral.ini" run.out="$work/spiral" >/dev/null
"$odeon" plot phase "$work/spiral" --out "$to/spiral_phase.svg"
"$odeon" train "$here/../spheres_node.ini" run.out="$work/spheres" >/dev/null
"$odeon" plot flow "$work/spheres" --out "$to/spheres_flow.svg"
