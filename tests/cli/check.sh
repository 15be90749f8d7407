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

# It leaves nothing behind.
[ "$(ls -A)" = "$(printf 'err\nout')" ] || fail "check leaves files: $(ls -A)"
