#!/usr/bin/env bash
# diff: the first thing that differs between two runs, and nothing where only times do.
. "$1/tests/support/cli.sh"
toy
data="data.dataset=idx(path=$work/toy)"
set -- "$ini/small.ini" "$data" run.epochs=2 run.workers=1
expect 0 "results in" train "$@" run.out=a
expect 0 "results in" train "$@" run.out=b run.name=other run.checkpoint_every=5

# differ TEXT RUN RUN: the runs differ, and TEXT is the first line.
differ() {
    local text=$1 answer=0
    shift
    "$odeon" diff "$@" >out 2>err || answer=$?
    [ "$answer" -eq 1 ] || fail "diff $*: exit code $answer, expected 1"
    [ ! -s err ] || fail "diff $*: something on stderr"
    head -n 1 out | grep -qF -- "$text" || fail "diff $*: the first line has no '$text'"
}

expect 0 "equal but for times" diff a b

# Interrupted and gone on: still equal. (iterations in place of epochs, a checkpoint taken away and
# epochs put back are as good as a kill after step 11.)
expect 0 "results in" train "${@/run.epochs=2/run.iterations=11}" run.out=c run.checkpoint_every=4
differ "options: run.epochs = 2 | (none)" a c
has out "metrics: step 11 (test): only the second has this row"
sed -i "s/^iterations = .*/$(grep '^epochs' a/effective.ini)/" c/effective.ini
rm c/checkpoints/ckpt-11.safetensors
expect 0 "on from step 8" train c --resume
expect 0 "equal but for times" diff a c

# Options, one more or another value, and what comes of them.
expect 0 "results in" train "$@" run.out=d "train.optimizer=adam(lr=1e-3)"
differ "options: train.lr = 0.01 | 0.001" a d
has out "metrics: step 1 (train): lr 0.01 | 0.001"
has out "weights: tensor 'head.bias'"
[ "$(wc -l <out)" -eq 3 ] || fail "a difference that there is not"
expect 0 "results in" train "$@" run.out=e run.log_every=3 run.seed=2
differ "options: run.seed = 1 | 2" a e
has out "metrics: step 1 (train): loss "
has out "data: order "

# copy NAME: the run a, to be changed.
copy() {
    rm -rf copy
    cp -r a copy
}
copy
sed -i '1,/build_id/s/"build_id": "[0-9a-f]*"/"build_id": "0123"/' copy/manifest.json
differ 'plugins: "' a copy
has out '| "0123"'
differ 'plugins: "' copy a
copy
sed -i 's/"name": "dopri5"/"name": "dopri6"/' copy/manifest.json
differ 'plugins: "dopri5": build-id' a copy
has out "| (none)"
copy
sed -i 's/"processor": ".*"/"processor": "abacus"/' copy/manifest.json
differ 'machine: processor "' a copy
has out '| "abacus"'
copy
sed -i 's/"samples": 256/"samples": 255/' copy/manifest.json
differ 'data: samples 256 | 255' a copy
# A manifest says the same in one line, and an entry of a run that goes on finds its end there.
copy
tr '\n' ' ' <a/manifest.json >copy/manifest.json
expect 0 "equal but for times" diff a copy
sed -i 's/"odeon": "[^"]*"/"odeon": "other"/' copy/manifest.json
differ 'plugins: odeon "' a copy
has out '| "other"'
copy
tr '\n' ' ' <c/manifest.json >copy/manifest.json
cp c/effective.ini copy
expect 0 "nothing is left to do" train copy --resume
[ "$(grep -o '"step": ' copy/manifest.json | wc -l)" -eq 2 ] || fail "not two entries of resumption"
grep -q '"odeon": .*"resumed": \[' copy/manifest.json || fail "what was there is gone"
copy
echo >>copy/manifest.json "}"
expect 3 "copy/manifest.json:$(wc -l <copy/manifest.json): text behind the end of the value" \
    diff a copy
copy
sed -i 's/^\(12,2,[^,]*,train\),[^,]*,/\1,7,/' copy/metrics.csv
differ "metrics: step 12 (train): loss " a copy
has out "| 7"
[ "$(wc -l <out)" -eq 1 ] || fail "a difference that there is not"
copy
sed -i '/^12,2,/d' copy/metrics.csv
differ "metrics: step 12 (train): only the first has this row" a copy
copy
sed -i '1s/loss/cost/' copy/metrics.csv
differ "metrics: other columns" a copy
copy
cp d/weights.safetensors copy
differ "weights: tensor 'head.bias'" a copy
for file in manifest.json metrics.csv weights.safetensors; do
    copy
    rm "copy/$file"
    differ "only the first has $file" a copy
    differ "only the second has $file" copy a
done

# What is no run, or none any more.
expect 2 "toy: no run: it has no effective.ini" diff a toy
expect 2 "usage: odeon diff RUN RUN" diff a
copy
truncate -s 100 copy/weights.safetensors
expect 3 "copy/weights.safetensors: no valid safetensors file" diff a copy

# A run that goes on with other plugins than it began with says so.
copy
sed -i 's/"processor": ".*"/"processor": "abacus"/' copy/manifest.json
expect 0 "nothing is left to do" train copy --resume
has err "copy/manifest.json: the run began otherwise, its bits may differ: processor \"abacus\" | "
