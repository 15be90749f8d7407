#!/usr/bin/env bash
# A run that goes on: from the newest sound checkpoint, with the same bits, alone in its folder.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=48 run.epochs=3 run.checkpoint_every=4 run.workers=1

# rows FILE: the metrics without what the clock says and how often the device was asked.
rows() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) skip[i] = $i ~ /^(seconds|images_per_second|nsync|nlaunch|nalloc)$/ }
             { for (i = 1; i <= NF; i++) if (!skip[i]) printf "%s,", $i; print "" }' "$1"
}

# same FOLDER: has come to the end of the run in whole.
same() {
    for file in weights.safetensors weights-best.safetensors; do
        cmp "whole/$file" "$1/$file" || fail "$1: other bits in $file"
    done
    diff <(rows whole/metrics.csv) <(rows "$1/metrics.csv") >&2 || fail "$1: other metrics"
    [ "$(wc -l <"$1/metrics.jsonl")" -eq "$(wc -l <whole/metrics.jsonl)" ] || fail "$1: other rows"
}

expect 0 "results in" train "$@" run.out=whole
[ "$(ls whole/checkpoints)" = "$(printf 'ckpt-16.safetensors\nckpt-18.safetensors')" ] ||
    fail "not the newest two checkpoints: $(ls whole/checkpoints)"

# In the middle of an epoch (10 of 18 steps, 6 in an epoch), after its end, and before any step.
expect 0 "results in" train "${@/run.epochs=3/run.iterations=10}" run.out=middle
sed -i 's/^iterations = .*/epochs = 3/' middle/effective.ini # as if it had been killed
rm middle/checkpoints/ckpt-10.safetensors
expect 0 "on from step 8" train middle --resume
same middle
has middle/manifest.json '"resumed": ['
has middle/manifest.json '"step": 8,'

expect 0 "results in" train "$@" run.out=edge run.epochs=2
expect 0 "on from step 12" train edge/ --resume run.epochs=3
same edge
has edge/effective.ini "epochs = 3"
expect 0 "nothing is left to do after step 18" train edge --resume
same edge
[ "$(grep -c '"step": ' edge/manifest.json)" -eq 2 ] || fail "not two entries of resumption"

mkdir begun
cp whole/effective.ini begun
: >begun/weights.safetensors.77-0.tmp
expect 0 "on from step 0" train begun --resume
same begun
[ ! -e begun/weights.safetensors.77-0.tmp ] || fail "a killed run's temporary file is still there"

# A damaged checkpoint is told and skipped; if all are, the run begins anew.
expect 0 "results in" train "$@" run.out=damaged run.epochs=2
newest=damaged/checkpoints/ckpt-12.safetensors
printf '\001' | dd of=$newest bs=1 seek=$(($(stat -c %s $newest) - 100)) conv=notrunc status=none
expect 0 "on from step 8" train damaged --resume run.epochs=3
has err "warning: damaged/checkpoints/ckpt-12.safetensors: damaged: its checksum is another; skipped"
same damaged
truncate -s 300 damaged/checkpoints/*
expect 0 "on from step 0" train damaged --resume
[ "$(grep -c skipped err)" -eq 2 ] || fail "not both damaged checkpoints are told"
same damaged

# What would change the run is refused, and leaves it as it is.
expect 2 "only run.epochs, run.iterations, run.log_every" train whole --resume train.optimizer.lr=1
expect 2 "whole has come to step 18 already" train whole --resume run.epochs=2
expect 2 "toy: no run that could go on: it has no effective.ini" train toy --resume
sed 's/^seed = .*/seed = 7/' -i edge/effective.ini
expect 2 "made with run.seed 1, now it is 7" train edge --resume
expect 2 "'check' takes no option --resume" check whole --resume
same whole

# One process at a time.
exec 9>>whole/lock
flock -n 9
expect 2 "whole: another process is working on this run" train whole --resume
exec 9>&-
expect 0 "nothing is left to do" train whole --resume
