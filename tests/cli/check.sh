#!/usr/bin/env bash
# check shows the model without data and names keys that change nothing.
. "$1/tests/support/cli.sh"

expect 0 "small.ini: ok" check "$ini/small.ini" data.path=absent
has out "  ode.field.dense  dense    49             833"
has out "total                                    2,133"
has out "normal form: makes the same model"
! grep -q 'has no effect' out || fail "check names keys of an INI in which all have an effect"

expect 0 "but see the notes above" check "$ini/small.ini" model.ode.steps=4 model.ode.max_steps=9
has out "small.ini:15: model.ode.rtol has no effect: steps says which steps to take"
has out "override model.ode.max_steps=9: model.ode.max_steps has no effect: steps says"

# The model is built from the normal form: that its text reads back as the same text is not enough.
expect 1 "the normal form does not repeat the run: " --plugin-path "$build/test-plugins" \
    check "$ini/small.ini" train.schedule=once run.workers=1
has err "once: it was created before"

# Models of other times: that of samples, those of later phases, by the place of their keys.
cat >later.ini <<'END'
[run]
iterations = 9
[data]
dataset = csv(path=later.csv, inputs=a b, label=y, test_fraction=0)
batch = 4
[model.ode]
layer = ode(span=0 1)
integrator = rk4
steps = 4
gradient = direct
[model.ode.field]
layer = dense(units=state)
[model.head]
layer = dense(units=1)
[train]
loss = mse
optimizer = adam(lr=0.01)
[train.late]
after = 5 steps
optimizer = adam(lr=0.001)
set = data.batch=2
[sample.ode]
span = 1 0
END
expect 0 "later.ini: ok" check later.ini
sed 's/^span = 1 0/spn = 1 0/' later.ini >bad.ini
expect 2 "bad.ini:23: [sample.ode] [model.ode] 'spn' is no key of the section" check bad.ini
has err "did you mean 'span'?"
sed 's/^span = 1 0/steps = many/' later.ini >bad.ini
expect 2 "bad.ini:23: [sample.ode] [model.ode] steps = many: not a whole number" check bad.ini
sed 's/data.batch=2/data.bach=2/' later.ini >bad.ini
expect 2 "bad.ini:21: [data] 'bach' is no key of the section" check bad.ini
sed 's/data.batch=2/data.batch=two/' later.ini >bad.ini
expect 2 "bad.ini:21: [data] batch = two: not a whole number" check bad.ini
sed 's/data.batch=2/model.od.steps=2/' later.ini >bad.ini
expect 2 "bad.ini:21: there is no section [model.od]: did you mean 'model.ode'?" check bad.ini
sed 's/data.batch=2/model.ode.field.bias=no/' later.ini >bad.ini
expect 2 "bad.ini:21: [train.late] set: parameter ode.field.bias has another place" check bad.ini
rm bad.ini

# --data reads the first samples.
expect 3 "later.csv: no such file" check later.ini --data
printf 'a,b,y\n1,20,3\n2,10,5\n3,30,10\n' >later.csv
expect 0 "data: 3 samples to train on, 3 to test on" check later.ini --data
has out "the first 3 of them hold"
has out "later.csv:2, column 'a': 1 to 3, mean 2"
has out "later.csv:2, column 'b': 10 to 30, mean 20"
has out "label   [1] 3 to 10, mean 6"
printf 'a,b,y\n1,20,3\n2,ten,5\n3,30,10\n' >later.csv
expect 3 "later.csv:3: column 'b': 'ten' is no number" check later.ini --data
rm later.ini later.csv

# It leaves nothing behind.
[ "$(ls -A)" = "$(printf 'err\nout')" ] || fail "check leaves files: $(ls -A)"
