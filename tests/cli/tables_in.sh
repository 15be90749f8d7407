#!/usr/bin/env bash
# predict and solve of tables: columns by name or by place, labels or none, rows, transforms.
. "$1/tests/support/cli.sh"

# 40 rows of a, b and c = 0.05 a + 0.1 b, the inputs far from 0.
awk 'BEGIN { print "id,a,b,c"; for (i = 0; i < 40; i++) { a = 100 + i % 8 * 10; b = -50 + int(i / 8) * 7
    printf "n%d,%g,%g,%.4f\n", i, a, b, 0.05 * a + 0.1 * b } }' >d.csv
cat >m.ini <<'INI'
[run]
seed    = 1
epochs  = 3
workers = 1
[data]
dataset = csv(path=d.csv, inputs=a b, label=c, test_fraction=0.25)
batch   = 10
[data.norm]
layer = normalize(mean=130 -36, std=20 10)
[model.l]
layer = dense(units=4)
then  = tanh, dense(units=1)
[train]
loss      = mse
optimizer = adam(lr=1e-2)
INI
expect 0 "results in" train m.ini run.out=r
expect 0 "10 predictions" predict r --split test --out split.csv
[ "$(head -n 1 split.csv)" = row,true0,y0 ] || fail "the heading is $(head -n 1 split.csv)"
# Rows are those of the table, and true labels what stands there.
tail -n +2 split.csv | while IFS=, read -r row true _; do
    [ "$(sed -n "$((row + 2))p" d.csv | cut -d, -f4 | awk '{ print $1 + 0 }')" = "$true" ] ||
        fail "row $row is not the one with $true"
done
expect 0 "40 predictions" predict r --split test data.test_fraction=0 --out all.csv
tail -n +2 split.csv | while read -r line; do
    grep -qxF "$line" all.csv || fail "$line is not among all"
done

# The table itself, as the data set has it.
expect 0 "40 predictions" predict r --in d.csv --out in.csv
cmp in.csv all.csv || fail "a table is not what the data set is"
cut -d, -f1,3 all.csv >bare
# ask FILE: predictions of FILE, without labels, are those of the data set.
ask() {
    expect 0 "40 predictions" predict r --in "$1" --out asked.csv "${@:2}"
    cmp asked.csv bare || fail "$1: others"
}
cut -d, -f1-3 d.csv >unlabelled.csv && ask unlabelled.csv
awk -F, '{ print $3 ",x" NR "," $2 }' d.csv | sed '1s/.*/b,extra,a/' >turned.csv && ask turned.csv
tail -n +2 d.csv | cut -d, -f2,3 >by_place.csv && ask by_place.csv
cp by_place.csv by_place.data && ask by_place.data
sed 's/,[^,]*$/,?/; 1s/?/c/' d.csv >unknown.csv && ask unknown.csv
sed '3s/,[^,]*$/,/' d.csv >gap.csv && ask gap.csv
awk -F, -v OFS=';' '{ print $2, $3 }' d.csv >semicolon.txt
ask semicolon.txt data.separator=semicolon
# By index: where they are in the data set's table, or alone.
sed 's/inputs=a b/inputs=1..2/; s/label=c/label=3/' m.ini >index.ini
for file in d.csv by_place.csv; do
    expect 0 "40 predictions" predict index.ini --weights r --in $file --out asked.csv
    cut -d, -f1,$([ $file = d.csv ] && echo 3 || echo 2) asked.csv | cmp - bare || fail "by index: $file"
done
# What has been transformed is not transformed again.
tail -n +2 d.csv | awk -F, '{ printf "%.17g,%.17g\n", ($2 - 130) / 20, ($3 + 36) / 10 }' >done.csv
expect 0 "40 predictions" predict r --in done.csv --transformed --out asked.csv
paste -d, asked.csv bare | tail -n +2 | awk -F, '{ d = $2 - $4; if (d * d > 1e-10) exit 1 }' ||
    fail "--transformed: others" # 1e-5: the run is in float32
expect 0 "40 predictions" predict r --in done.csv --out asked.csv
! cmp -s asked.csv bare || fail "--transformed makes no difference"

# Classes: the accuracy of a table with labels.
sed '2,$s/,\([^,]*\)$/,1/' d.csv >classes.csv
sed 's/label=c/label=c, classes=2/; s/units=1/units=2/; s/mse/cross_entropy/; s/d.csv/classes.csv/' m.ini >classes.ini
expect 0 "results in" train classes.ini run.out=c
expect 0 "accuracy" predict c --in classes.csv --out p.csv
[ "$(head -n 1 p.csv)" = row,true,label,p0,p1 ] || fail "the heading is $(head -n 1 p.csv)"
expect 0 "40 predictions" predict c --in unlabelled.csv --out p.csv
! grep -q accuracy out || fail "an accuracy without labels"
[ "$(head -n 1 p.csv)" = row,label,p0,p1 ] || fail "the heading is $(head -n 1 p.csv)"
sed '5s/,1$/,7/' classes.csv >seven.csv
expect 3 "seven.csv:5: the label is 7" predict c --in seven.csv --out p.csv

# What cannot be.
cut -d, -f1,2 d.csv >missing.csv
expect 3 "missing.csv: has no column 'b'" predict r --in missing.csv --out x.csv
tail -n +2 d.csv >headless.csv
expect 3 "has 4 columns and no first line of names, but the inputs are 2" predict r --in headless.csv --out x.csv
sed '4s/120,/12o,/' unlabelled.csv >letter.csv
expect 3 "letter.csv:4: column 'a': '12o' is no number" predict r --in letter.csv --out x.csv
head -n 1 d.csv >empty.csv
expect 3 "empty.csv: has no rows" predict r --in empty.csv --out x.csv
expect 3 "nowhere.csv" predict r --in nowhere.csv --out x.csv
: >nothing.csv
expect 3 "nothing.csv: has no rows" predict r --in nothing.csv --out x.csv
[ ! -e x.csv ] || fail "a failure left a file"
expect 2 "reads ([data])" predict r --split test --out d.csv

# solve starts from a table, too.
sed 's/^\[model.l\]/[model.ode]\nlayer = ode(times=0 1)\nintegrator = rk4\nsteps = 4\ngradient = direct\n[model.ode.f]\nlayer = dense(units=state)\n&/' m.ini >ode.ini
expect 0 "sample,t,y0,y1" solve ode.ini --split test data.test_fraction=0
cp out states
expect 0 "sample,t,y0,y1" solve ode.ini --in unlabelled.csv
cmp out states || fail "solve --in TABLE: others"
# The first states are the samples behind the transforms.
awk -F, '$2 == 0 && NR == 2 { exit !($3 < -1.49 && $3 > -1.51 && $4 < -1.39 && $4 > -1.41) }' out ||
    fail "solve --in: [data.*] does not apply: $(sed -n 2p out)"

# Neither command needs [train]; those that do say so.
sed '/^\[train\]/,$d' m.ini >untrained.ini
expect 0 "10 predictions" predict untrained.ini --weights r --split test --out asked.csv
cmp asked.csv split.csv || fail "without [train]: others"
sed '/^\[train\]/,$d' ode.ini >untrained_ode.ini
expect 0 "sample,t,y0,y1" solve untrained_ode.ini --in unlabelled.csv
cmp out states || fail "solve without [train]: others"
for command in train eval check; do
    expect 2 "[train] 'loss' must be given" $command untrained.ini
done
