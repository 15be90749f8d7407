#!/usr/bin/env bash
# Series of classes: their names in predictions, from files with and without them; and epochs of windows
# drawn at random, which go on where they were stopped with the same bits.
. "$1/tests/support/cli.sh"

cp "$source/conf/turns_words.ini" "$source/conf/turns_attention.ini" "$source/conf/turns_words.csv" .

# ---- classes ----

expect 0 "test accuracy 1.0000" train turns_words.ini run.workers=1 run.out=r run.iterations=40
grep -q 'class left\\nclass right\\n' r/weights.safetensors || fail "the names of classes were not kept"
cut -d, -f1,2,4,5 turns_words.csv >bare.csv
expect 0 "96 predictions" predict r --in turns_words.csv --out named.csv
expect 0 "96 predictions" predict r --in bare.csv --out bare_out.csv
grep -q '^0,right,right,' named.csv || fail "no class is named: $(head -n 2 named.csv)"
cut -d, -f1,3- named.csv | cmp -s - bare_out.csv || fail "without classes other ones are predicted"
sed 's/right/up/' turns_words.csv >up.csv
expect 3 "up.csv:2: the class 'up' is none of the training split: left, right" \
    predict r --in up.csv --out none.csv
[ ! -e none.csv ] || fail "something was written"

# Numbers are classes as they are.
sed 's/left/0/;s/right/1/' turns_words.csv >numbers.csv
expect 0 "test accuracy" train turns_words.ini run.workers=1 run.out=numbers run.iterations=4 \
    "data.dataset=trajectories(source=csv(path=numbers.csv), id=series, time=t, values=x y, controls=x y, label_column=turn, classes=2, window=24, pad=yes, clock=series, split=series, test_fraction=0.33)"
awk -F, 'NR == 20 { sub($3, $3 == "left" ? "right" : "left") } 1' turns_words.csv >mixed.csv
expect 3 "mixed.csv:20: the class changes from" check turns_words.ini --data \
    "data.dataset=trajectories(source=csv(path=mixed.csv), id=series, time=t, values=x y, controls=x y, label_column=turn, classes=2, window=24, pad=yes, clock=series, split=series, test_fraction=0.33)"

# ---- epochs of windows drawn at random ----

short() { # FOLDER KEYS...
    local folder=$1
    shift
    expect 0 "results in" train turns_attention.ini run.workers=1 run.out="$folder" run.log_every=1 data.epoch_samples=40 "$@"
}
short whole run.iterations=7
short part run.iterations=4
expect 0 "results in" train part --resume run.iterations=7
cmp whole/weights.safetensors part/weights.safetensors || fail "what goes on has other weights"
short other run.iterations=7 run.seed=2
! cmp -s whole/weights.safetensors other/weights.safetensors || fail "another seed draws the same"
# 40 samples in batches of 16 are three steps an epoch, the last one shorter.
[ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "epoch") e = i; next } /train/ { printf "%s ", $e }' whole/metrics.csv)" = "1 1 1 2 2 2 3 " ] ||
    fail "epochs are not of 40 samples: $(cat whole/metrics.csv)"
expect 2 "data.epoch_samples" train part --resume run.iterations=9 data.epoch_samples=20
