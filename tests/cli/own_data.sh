#!/usr/bin/env bash
# Data as people have them: classes by name, splits, standardization that travels with the weights,
# many series with ids, dates and lengths of their own, arrays, and what is wrong with them.
. "$1/tests/support/cli.sh"

# ---- tables ----

awk 'BEGIN { print "who,a,b,kind,w"; for (i = 0; i < 60; i++) { c = i % 3
    printf "p%d,%g,%g,%s,%d\n", int(i / 6), 100 + 20 * c + i % 7, -50 + 9 * (i % 5) + 30 * c,
        c == 0 ? "red" : c == 1 ? "\"blue, dark\"" : "green", 1 + i % 2 } }' >d.csv
cat >m.ini <<'INI'
[run]
seed    = 1
epochs  = 8
workers = 1
device  = reference
[data]
dataset = csv(path=d.csv, inputs=a b, label=kind, classes=3, standardize=yes)
batch   = 12
[model.l]
layer = dense(units=6)
then  = tanh, dense(units=classes)
[train]
loss      = cross_entropy
optimizer = adam(lr=3e-2)
INI
expect 0 "results in" train m.ini run.out=r
grep -q 'class blue, dark\\nclass green\\nclass red\\ncolumn' r/weights.safetensors || fail "nothing was kept"
expect 0 "60 predictions" predict r --in d.csv --out all.csv
grep -q '^0,red,' all.csv || fail "no names"
grep -q '^1,"blue, dark",' all.csv || fail "a name with a comma has no quotes"
# Where the data are gone the weights know what they are to be measured by.
awk -F, 'NR > 1 { print $2 "," $3 }' d.csv >bare.csv
mv d.csv away.csv
expect 0 "60 predictions" predict r --in bare.csv --out bare_out.csv
cut -d, -f1,3- bare_out.csv | tail -n 1 >x
mv away.csv d.csv
tail -n 1 all.csv | grep -qF "$(cut -d, -f2- x)" || fail "a bare table has other predictions"
# A checkpoint has it, too.
expect 0 "60 predictions" predict m.ini --weights "$(ls r/checkpoints/*.safetensors | tail -n 1)" --in d.csv --out c.csv
cmp all.csv c.csv || fail "a checkpoint is not the weights"

# samples TRAIN TEST KEYS...: how many there are.
samples() {
    expect 0 "data: $1 samples to train on, $2 to test on" check m.ini --data "data.dataset=csv(path=d.csv, inputs=a b, label=kind, classes=3, $3)"
}
samples 48 12 "split=stratified"
samples 42 12 "validation_fraction=0.1, split=last"
samples 48 12 "group=who"
samples 48 12 "fold=2/5"
samples 60 60 "test_path=d.csv"
samples 54 60 "validation_fraction=0.1, test_fraction=0"
gzip -k d.csv
expect 0 "data: 48 samples" check m.ini --data "data.dataset=csv(path=d.csv.gz, inputs=a b, label=kind, classes=3)"

# bad CODE TEXT KEYS...: what check says of the data.
bad() {
    expect "$1" "$2" check m.ini --data "data.dataset=csv(path=d.csv, inputs=a b, label=kind, classes=3, $3)"
}
expect 3 "the label has 3 different words in the training split, but classes = 4: " \
    check m.ini --data "data.dataset=csv(path=d.csv, inputs=a b, label=kind, classes=4)"
expect 3 "d.csv:2: column 'kind': 'red' is no number: if labels are words, set classes to how many different words there are" \
    check m.ini --data "data.dataset=csv(path=d.csv, inputs=a b, label=kind)" train.loss=mse 'model.l.then=tanh, dense(units=1)'
expect 3 "d.csv:2: column 'kind': 'red' is no number" check m.ini --data "data.dataset=csv(path=d.csv, inputs=a kind, label=b)" \
    train.loss=mse 'model.l.then=tanh, dense(units=1)'
! grep -q "labels are words" err || fail "a word among the inputs is taken for a label"
bad 2 "fold: '6/5': expected K/N" "fold=6/5"
bad 2 "fold: is a part of path to test on, and test_path is a file" "fold=2/5, test_path=d.csv"
bad 3 "d.csv: fold = 1/99 of its 60 rows leaves none to test on" "fold=1/99"
bad 2 "stratified is by classes" "split=stratified, group=who"
sed '3s/blue/caf\xe9/' d.csv >latin.csv
expect 3 "latin.csv:3: the label 'caf\\xe9, dark' is no UTF-8" check m.ini --data \
    "data.dataset=csv(path=latin.csv, inputs=a b, label=kind, classes=4, test_fraction=0)"
# As many classes as rows end with the processor's time for a few, not for the square.
awk 'BEGIN { print "a,k"; for (i = 0; i < 60000; i++) print i ",w" i }' >words.csv
(
    ulimit -t 4
    expect 3 "the label has 60000 different words" check m.ini --data \
        "data.dataset=csv(path=words.csv, inputs=a, label=k, classes=2, split=stratified)"
)
sed 's/,"blue, dark"/,pink/' d.csv >pink.csv
bad 3 "pink.csv:3: the label 'pink' is no class of the training split: blue, dark, green, red" "test_path=pink.csv"
awk -F, -v OFS=, 'NR > 1 { $2 = 7 } 1' d.csv >same.csv
one=('model.l.then=tanh, dense(units=1)')
expect 3 "same.csv: column 'a' is the same in all rows of the training split" check m.ini --data \
    "data.dataset=csv(path=same.csv, inputs=a w, label=b, standardize=yes)" "train.loss=mse" "${one[@]}"
sed '4s/,[12]$/,-1/' d.csv >minus.csv
expect 3 "minus.csv:4: the weight is -1" check m.ini --data \
    "data.dataset=csv(path=minus.csv, inputs=a, label=b, weight=w)" "train.loss=mse" "${one[@]}"
expect 3 "what was fitted with these weights does not belong to" predict m.ini --weights r --in d.csv --out x.csv \
    "data.dataset=csv(path=d.csv, inputs=a b, label=kind, classes=3)"

# ---- series ----

# y' = -y / 2 from other starts, at times of their own, two series with a gap; dates in days.
awk 'BEGIN { print "id,day,y,u"; for (s = 0; s < 4; s++) for (i = 0; i < 10 - 2 * s; i++) { d = 1 + 2 * s + i * (1 + s % 2)
    y = 10 * (s + 1) * exp(-d / 2); printf "s%d,2026-03-%02d,%s,%g\n", s, d, s == 1 && i == 2 ? "" : y, d } }' >s.csv
cat >s.ini <<'INI'
[run]
seed    = 1
epochs  = 2
workers = 1
device  = reference
[data]
dataset = trajectories(source=csv(path=s.csv), id=id, time=day, date=days, values=y, controls=u, window=6, pad=yes, missing=mask, clock=series, standardize=yes, control_slopes=yes)
batch      = 3
test_batch = 3
[model.ode]
layer      = ode(times=batch, initial=first, step=sample)
integrator = rk4
steps      = 1
gradient   = direct
[model.ode.u]
layer = controls(interpolation=cubic)
then  = dense(units=4), tanh, dense(units=state)
[train]
loss      = mse
optimizer = adam(lr=1e-2)
INI
expect 0 "results in" train s.ini run.out=q
grep -q '"fitted": *"origin [0-9]* 86400.*column' q/weights.safetensors || fail "no origin was kept"
expect 0 "predictions" predict q --in s.csv --out p.csv
# The first true value is that of the file: what was standardized is undone.
first=$(sed -n 2p s.csv | cut -d, -f3)
awk -F, -v y="$first" 'NR == 2 { d = $2 - y; exit !(d < 1e-4 && d > -1e-4) }' p.csv || fail "row 0 is not $first"
expect 0 "" solve q --in s.csv --out t.csv
awk -F, -v y="$first" 'NR == 2 { d = $3 - y; exit !(d < 1e-3 && d > -1e-3) }' t.csv || fail "the solve does not start at $first"

# A value that is missing is missing among the true ones, too: not the mean. The row is where the
# window starts.
expect 0 "4 predictions" predict q --in s.csv --out rows.csv "data.stride=9"
[ "$(cut -d, -f1 rows.csv | tr '\n' ' ')" = "row 0 10 18 24 " ] || fail "rows: $(cut -d, -f1 rows.csv)"
awk -F, 'NR == 3 { exit !($2 != "" && $3 != "" && $4 == "" && $5 != "") }' rows.csv || fail "the gap has a value"
# States of another size than a row are the model's own.
cat >own.ini <<'INI'
[run]
seed    = 1
epochs  = 1
workers = 1
device  = reference
[data]
dataset = trajectories(source=csv(path=s.csv), id=id, time=day, date=days, values=y, window=6, pad=yes, missing=mask, standardize=yes)
batch   = 3
[model.start]
layer = flatten
then  = dense(units=2), tanh
[model.ode]
layer      = ode(times=batch, step=sample)
integrator = rk4
steps      = 1
gradient   = direct
[model.ode.f]
layer = dense(units=state)
[model.end]
layer = dense(units=1)
[train]
loss      = mse
optimizer = adam(lr=1e-2)
INI
expect 0 "results in" train own.ini run.out=o
expect 0 "" solve o --in s.csv --out own.csv
awk -F, 'NR > 1 && $2 == 0 && ($3 > 1 || $3 < -1 || $4 > 1 || $4 < -1) { exit 1 }' own.csv || fail "a state is not the model's"

# series CODE TEXT FILE KEYS: what check says of a file.
series() {
    expect "$1" "$2" check s.ini --data "model.ode.u.layer=dense(units=4)" \
        "data.dataset=trajectories(source=csv(path=$3), values=y, $4)"
}
series 0 "data: 19 samples to train on, 19" s.csv "id=id, time=day, date=days, window=3, missing=mask, stride=1"
{ head -n 3 s.csv; sed -n 12,14p s.csv; sed -n 4,5p s.csv; } >back.csv
series 3 "back.csv:7: the id 's0' comes back" back.csv "id=id, time=day, date=days, window=2, missing=mask"
{ head -n 3 s.csv; sed -n 12p s.csv; } >one.csv
series 3 "one.csv:4: a series of one row" one.csv "id=id, time=day, date=days, window=2"
series 3 "s.csv:20: this series has 6 rows to train on, too few for a window of 8" s.csv \
    "id=id, time=day, date=days, window=8, missing=mask"
sed 's/2026-03-02/2026-02-30/' s.csv >date.csv
series 3 "'2026-02-30' is no date" date.csv "id=id, time=day, date=days, window=2, missing=mask"
series 3 "the time is not larger than the last" s.csv "time=day, date=days, window=2, missing=mask"

# A folder of tables, and arrays.
mkdir folder
for i in 1 2 3; do awk -v i=$i 'BEGIN { print "t,y"; for (k = 0; k < 4 + i; k++) print k / 4 "," i * k }' >folder/$i.csv; done
expect 0 "data: 9 samples to train on, 9" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=folder(path=folder), time=t, values=y, window=4)"
expect 3 "/folder/1.csv:2: this series has 5 rows" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=folder(path=folder), time=t, values=y, window=7)"
mkdir none
expect 3 "none: no table in this folder" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=folder(path=none), time=t, values=y, window=4)"

# npy SHAPE NUMBERS...: an array of float64 as numpy.save writes it.
npy() {
    local head text
    text="{'descr': '<f8', 'fortran_order': False, 'shape': ($1), }"
    head=$(printf '%-117s' "$text")
    printf '\x93NUMPY\x01\x00\x76\x00%s\n' "$head"
    shift
    for x in "$@"; do # 0, 1, 2 and NaN alone
        case $x in N) printf '\0\0\0\0\0\0\xf8\x7f' ;; 0) printf '\0\0\0\0\0\0\0\0' ;; 1) printf '\0\0\0\0\0\0\xf0\x3f' ;; 2) printf '\0\0\0\0\0\0\0\x40' ;; esac
    done
}
npy "2, 3, 1" 0 1 2 2 1 0 >v.npy
expect 0 "data: 4 samples to train on, 4" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=arrays(path=v.npy), value_count=1, window=2)"
expect 3 "v.npy: values is [2,3,1], expected [series,rows,D]" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=arrays(path=v.npy), value_count=2, window=2)"
head -c 140 v.npy >cut.npy
expect 3 "cut.npy: has another number of bytes than its shape says" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=arrays(path=cut.npy), value_count=1, window=2)"
expect 3 "v.npy: the array 'x' is missing, expected [N,3]" check m.ini --data \
    "data.dataset=arrays(path=v.npy, shape=3, classes=3)"

# bytes COUNT NUMBER: little-endian.
bytes() {
    local i one all=
    for ((i = 0; i < $1; i++)); do
        printf -v one '\\x%02x' $(($2 >> 8 * i & 255))
        all+=$one
    done
    printf %b "$all"
}
# entry NAME METHOD PACKED BYTES AT: of a zip file's directory.
entry() {
    printf 'PK\x01\x02'; bytes 6 0; bytes 2 "$2"; bytes 8 0; bytes 4 "$3"; bytes 4 "$4"; bytes 2 ${#1}; bytes 12 0; bytes 4 "$5"
    printf %s "$1"
}
# local_file NAME METHOD FILE: a file with its heading, of which sizes are not read.
local_file() {
    printf 'PK\x03\x04'; bytes 4 0; bytes 2 "$2"; bytes 16 0; bytes 2 ${#1}; bytes 2 0
    printf %s "$1"
    cat "$3"
}
# end_of N BYTES AT: the end of the directory, which has N entries.
end_of() { printf 'PK\x05\x06'; bytes 4 0; bytes 2 "$1"; bytes 2 "$1"; bytes 4 "$2"; bytes 4 "$3"; bytes 2 0; }
size() { wc -c <"$1"; }

# Times that are all missing leave nothing of a series, alone or among others.
npy "1, 2, 1" 0 1 >values.npy
npy "1, 2" N N >times.npy
{ local_file values.npy 0 values.npy; local_file times.npy 0 times.npy; } >times.npz
at=$(size times.npz)
{ entry values.npy 0 "$(size values.npy)" "$(size values.npy)" 0
    entry times.npy 0 "$(size times.npy)" "$(size times.npy)" $((40 + $(size values.npy))); } >directory
{ cat directory; end_of 2 "$(size directory)" "$at"; } >>times.npz
expect 3 "times.npz: series 0 has 0 rows" check s.ini --data "model.ode.u.layer=dense(units=4)" \
    "data.dataset=trajectories(source=arrays(path=times.npz), value_count=1, window=2)"

# arrays TEXT METHOD PACKED BYTES N: what is said of N entries with the same bytes, of these sizes.
hostile() {
    local i
    local_file x.npy "$2" v.npy >bad.npz
    for ((i = 0; i < $5; i++)); do entry x.npy "$2" "$3" "$4" 0; done >directory
    i=$(size bad.npz)
    { cat directory; end_of "$5" "$(size directory)" "$i"; } >>bad.npz
    expect 3 "bad.npz: $1" check m.ini --data "data.dataset=arrays(path=bad.npz, shape=3, classes=3)"
}
v=$(size v.npy)
hostile "the array 'x' is [2,3,1], expected" 0 "$v" "$v" 1
hostile "is damaged: no zip file" 0 "$v" "$v" 9
hostile "is damaged: no zip file" 8 "$v" 4294967294 1
hostile "has an array beyond 4 GiB" 8 "$v" 4294967295 1
hostile "is packed by method 12" 12 "$v" "$v" 1
npy "3" 0 N 1 >x.npy
local_file x.npy 0 x.npy >nan.npz
at=$(size nan.npz)
entry x.npy 0 "$(size x.npy)" "$(size x.npy)" 0 >directory
{ cat directory; end_of 1 "$(size directory)" "$at"; } >>nan.npz
expect 3 "nan.npz: 'x' has nan in sample 1, element 0" check m.ini --data \
    "data.dataset=arrays(path=nan.npz, shape=1, label=x, standardize=yes, test_fraction=0)" \
    train.loss=mse "${one[@]}"

# Labels of two numbers: (a + b, 1 - a) is learned, and stands beside predictions.
npy "4, 2" 0 0 1 0 0 1 1 1 >x.npy
npy "4, 2" 0 1 1 0 1 1 2 0 >y.npy
{ local_file x.npy 0 x.npy; local_file y.npy 0 y.npy; } >two.npz
at=$(size two.npz)
{ entry x.npy 0 "$(size x.npy)" "$(size x.npy)" 0
    entry y.npy 0 "$(size y.npy)" "$(size y.npy)" $((35 + $(size x.npy))); } >directory
{ cat directory; end_of 2 "$(size directory)" "$at"; } >>two.npz
cat >two.ini <<'INI'
[run]
seed       = 1
iterations = 20
dtype      = float64
[data]
dataset = arrays(path=two.npz, shape=2, label_shape=2, test_fraction=0)
batch   = 4
[model.l]
layer = dense(units=2)
[train]
loss      = mse
optimizer = lbfgs
INI
expect 0 "results in" train two.ini run.out=two
expect 0 "4 predictions" predict two --split test --out two.csv
awk -F, 'NR > 1 { n += NF == 5; for (i = 2; i <= 3; i++) { d = $i - $(i + 2); e += d * d } a = a $2 $3 }
    END { exit !(n == 4 && e < 1e-7 && a == "01101120") }' two.csv || fail "two.csv: $(cat two.csv)"
expect 3 "the array 'y' is [4,2], expected [N]: label_shape says what one label is" check two.ini --data \
    "data.dataset=arrays(path=two.npz, shape=2)" "model.l.units=1"

# Beside the folders of the classes there may be other files.
mkdir -p pictures/a pictures/b empty
touch pictures/a/1.png pictures/b/1.png pictures/README.txt
pictures() { expect "$1" "$2" check m.ini --data "data.dataset=images($3, shape=1 2 2)" model.l.layer=flatten "model.l.then=dense(units=classes)"; }
pictures 3 "pictures: has 2 folders, but classes = 3" "path=pictures, classes=3"
pictures 3 "1.png: is neither a PNG nor a JPEG file" "path=pictures, classes=2, test_fraction=0.5, split=last"
pictures 3 "empty: has no folders, which are the classes" "path=pictures, classes=2, test_path=empty"
mkdir "pictures/caf$(printf '\xe9')" && touch "pictures/caf$(printf '\xe9')/1.png"
pictures 3 "the folder's name is no UTF-8" "path=pictures, classes=3"

# PNG and JPEG files are read by libraries where they are installed; where one is not, the error says
# which, and the rest of this is left out. The first picture is dark, the second its negative.
png=\
iVBORw0KGgoAAAANSUhEUgAAAAYAAAAECAIAAAAiZtkUAAAAFElEQVR42mNkYOVCAywiIiJkCQEAdYgDKar12B4AAAAASUVORK5CYII=
jpeg=\
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC\
0oMCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAAE\
AAYDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAaEAEAAQUAAAAAAAAAAAAAAAAABAUGFDNB/8QAFAEBAAAAAAAAAAAAAAAAAA\
AAAv/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AL65K7PyNvQAN//Z
mkdir -p two_kinds/dark two_kinds/light
for i in 1 2 3 4; do
    echo "$png" | base64 -d >two_kinds/dark/$i.png
    echo "$jpeg" | base64 -d >two_kinds/light/$i.jpg
done
cat >kinds.ini <<'INI'
[run]
seed   = 1
epochs = 30
[data]
dataset = images(path=two_kinds, shape=3 4 6, classes=2, test_fraction=0.25)
batch   = 6
[model.flat]
layer = flatten
then  = dense(units=classes)
[train]
loss      = cross_entropy
optimizer = adam(lr=1e-1)
INI
missing() { # LIBRARY PACKAGE FOLDER
    "$odeon" check kinds.ini --data "data.dataset=images(path=only_$3, shape=3 4 6, classes=2)" >out 2>err && return 1
    grep -q "there is no $1 to read it with: install $2" err || fail "no line on what is missing"
    ! /sbin/ldconfig -p 2>/dev/null | grep -qF "$1" || fail "$1 is installed, but not found"
    echo "left out: $1 is not installed"
}
for kind in dark light; do
    mkdir only_$kind
    ln -s ../two_kinds/$kind only_$kind/a
    ln -s ../two_kinds/$kind only_$kind/b
done
if ! missing libpng16.so.16 libpng16-16 dark && ! missing libturbojpeg.so.0 libturbojpeg0 light; then
    expect 0 "results in" train kinds.ini run.out=kinds
    has out "test accuracy 1.0000"
    expect 0 "2 predictions" predict kinds --split test --out kinds.csv
    awk -F, 'NR > 1 { n++; bad += $2 != $3 } END { exit !(n == 2 && bad == 0) }' kinds.csv || fail "$(cat kinds.csv)"
    head -c 100 two_kinds/light/1.jpg >two_kinds/light/5.jpg
    expect 3 "two_kinds/light/5.jpg: no sound JPEG file" check kinds.ini --data
fi
