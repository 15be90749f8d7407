#!/usr/bin/env bash
# A run that goes on: from the newest sound checkpoint, with the same bits, alone in its folder.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" data.batch=48 run.epochs=3 run.checkpoint_every=4 run.workers=1

# rows FILE: the metrics without what the clock says and how often the device was asked.
rows() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) skip[i] = $i ~ /^(seconds|samples_per_second|nsync|nlaunch|nalloc)$/ }
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

# A run that was killed before its first checkpoint begins again, whatever rows it has; so does a
# folder that has nothing but the configuration.
cp -r whole early
rm -r early/checkpoints early/weights*.safetensors
: >early/no-checkpoint-yet
expect 0 "on from step 0" train early --resume
[ ! -e early/no-checkpoint-yet ] || fail "the mark of a run without checkpoint outlives the first"
same early

mkdir begun
cp whole/effective.ini begun
: >begun/weights.safetensors.77-0.tmp
expect 0 "on from step 0" train begun --resume
same begun
[ ! -e begun/weights.safetensors.77-0.tmp ] || fail "a killed run's temporary file is still there"

# A damaged checkpoint is told and skipped.
expect 0 "results in" train "$@" run.out=damaged run.epochs=2
newest=damaged/checkpoints/ckpt-12.safetensors
printf '\001' | dd of=$newest bs=1 seek=$(($(stat -c %s $newest) - 100)) conv=notrunc status=none
cp -r damaged lost
expect 0 "on from step 8" train damaged --resume run.epochs=3
has err "warning: damaged/checkpoints/ckpt-12.safetensors: damaged: its checksum does not match; skipped"
same damaged

# Where no checkpoint can be used, whatever the reason, the run is refused and stays as it is.
untouched() {
    diff -r --no-dereference before lost >&2 || fail "$1: something of the run was touched"
    has err "$odeon train lost --resume --from-start"
}
refused() {
    local code=$1 text=$2
    rm -rf before
    cp -r lost before
    expect "$code" "$text" train lost --resume run.epochs=3
    untouched "$text"
}
older=lost/checkpoints/ckpt-8.safetensors
cp $older older
truncate -s 300 $older
refused 3 "lost/checkpoints/ckpt-12.safetensors: damaged: its checksum does not match"
rm lost/checkpoints/ckpt-12.safetensors
refused 3 "lost/checkpoints/ckpt-8.safetensors: no valid safetensors file"
sed 's/"version":"2"/"version":"1"/' older >$older
refused 3 "lost/checkpoints/ckpt-8.safetensors: a checkpoint of another version of Odeon"
ln -sf ckpt-8.safetensors $older
refused 5 "lost/checkpoints/ckpt-8.safetensors"
rm $older
refused 3 "it has results, and its checkpoints are not there any more"
rmdir lost/checkpoints
refused 3 "it has results, and its checkpoints are not there any more"
: >lost/checkpoints
refused 5 "lost/checkpoints: cannot open the folder: Not a directory"
rm lost/checkpoints

# Begun again on demand: to the same bits, and what there was is kept.
rm -rf before
cp -r lost before
expect 0 "what the run had come to is kept in lost/earlier-1" train lost --from-start run.epochs=3
has out "on from step 0"
same lost
for file in effective.ini metrics.csv metrics.jsonl weights.safetensors weights-best.safetensors; do
    cmp "before/$file" "lost/earlier-1/$file" || fail "$file is not kept"
done
expect 0 "kept in lost/earlier-2" train lost --resume --from-start
expect 0 "nothing is left to do after step 18" train lost/earlier-2 --resume

# What would change the run is refused, and leaves it as it is.
expect 2 "whole: a run goes on as it began: train.lr: 0.01, now 1; leave out what changes it" \
    train whole --resume train.lr=1
expect 0 "nothing is left to do after step 18" train whole --resume train.lr=0.01 "$data"
expect 2 "--accept-changes is for a run that goes on" train "$@" --accept-changes run.out=no
expect 2 "whole has come to step 18 already" train whole --resume run.epochs=2
expect 2 "toy: no run that could go on: it has no effective.ini" train toy --resume
expect 2 "'check' takes no option --resume" check whole --resume
same whole
for edit in seed=7 batch=32 drop_last=yes lr=0.5; do
    key=${edit%=*}
    sed "s/^$key = .*/$key = ${edit#*=}/" whole/effective.ini >edge/effective.ini
    expect 2 ".$key: $(sed -n "s/^$key = //p" whole/effective.ini), now ${edit#*=}; put it back" \
        train edge --resume run.epochs=4
done
cp whole/effective.ini edge
same edge

# Taken where that is accepted, with the keys; once is enough.
cp -r whole changed
sed -i 's/^lr = .*/lr = 0.5/; s/^batch = .*/batch = 100/' changed/effective.ini
expect 0 "epoch 4/4" train changed --resume --accept-changes run.epochs=4 run.log_every=1
has err "does not go on as it began: data.batch: 48, now 100; train.lr: "
has out "the learning rate jumps from "
has out " in step 18 to 0.5000 in step 19"
[ "$(tail -n 1 changed/metrics.csv | cut -d, -f1,2)" = "21,4" ] || # 256 samples: 100, 100, 56
    fail "not three steps of the larger batch: $(tail -n 1 changed/metrics.csv | cut -d, -f1,2)"
expect 0 "on from step 21" train changed --resume run.epochs=5
has out "epoch 5/5"
[ "$(tail -n 1 changed/metrics.csv | cut -d, -f1,2)" = "24,5" ] || fail "epoch 5 has other steps"
cp -r whole within
rm within/checkpoints/ckpt-18.safetensors # 192 of the 256 samples of epoch 3
expect 0 "on from step 16" train within --resume --accept-changes data.batch=10
[ "$(tail -n 1 within/metrics.csv | cut -d, -f1,2)" = "23,3" ] || fail "not seven steps more"
expect 0 "nothing is left to do after step 23" train within --resume

# Data that is not what it was, although as much.
for file in train-images-idx3-ubyte t10k-images-idx3-ubyte; do
    cp toy/$file.gz kept
    gunzip toy/$file.gz
    printf '\377' | dd of=toy/$file bs=1 seek=1000 conv=notrunc status=none
    gzip -n toy/$file
    case $file in
        train*) what="the training samples have other values" ;;
        *) what="the samples of the test are others" ;;
    esac
    expect 3 "edge: a run goes on as it began: $what; put back the data" train edge --resume
    cp -r edge other
    expect 0 "on from step 18" train other --resume --accept-changes run.epochs=4
    has err "other: does not go on as it began: $what"
    expect 0 "nothing is left to do" train other --resume
    rm -r other
    mv kept toy/$file.gz
done
same edge

# Files that a finished run lacks, or that another program has saved.
cp -r whole gone
rm gone/weights.safetensors
expect 0 "nothing is left to do after step 18" train gone --resume
has err "gone/weights.safetensors: was missing: written again"
same gone
rm gone/weights-best.safetensors
expect 0 "results in" train gone --resume run.epochs=4
[ -e gone/weights-best.safetensors ] || fail "no weights-best after it was lost"
sed -i 's/$/\r/' edge/metrics.csv edge/metrics.jsonl
expect 0 "nothing is left to do" train edge --resume
has err "edge/metrics.csv: its lines ended in CR LF; written again with LF"
same edge
expect 0 "test loss" eval "$ini/small.ini" "$data" --weights whole/checkpoints/ckpt-18.safetensors

# One process at a time.
exec 9>>whole/lock
flock -n 9
expect 2 "whole: another process is working on this run" train whole --resume
exec 9>&-
expect 0 "nothing is left to do" train whole --resume
