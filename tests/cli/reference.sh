#!/usr/bin/env bash
# conf/reference.ini is what the option tables of the host and of the shipped components say, and
# every line of it can be uncommented: no line is longer than an INI may have.
. "$1/tests/support/cli.sh"

expect 0 ";[run]" inspect --reference
cp "$source/conf/reference.ini" expected
has expected ";device = cuda " # a build without nvcc must not lose it when it writes the file anew
if [ ! -e "$build/plugins/device/cuda.so" ]; then # which needs a compiler of its own
    sed -i '/^;device = cuda /,/^$/d' expected
fi
if ! diff -u expected out >difference; then
    sed -n 1,20p difference
    fail "conf/reference.ini is stale: build/odeon inspect --reference >conf/reference.ini, with nvcc"
fi

# Nothing is left out: every section, every component that an INI can name.
for section in run data data.NAME model.NAME train plugins; do
    has out ";[$section]"
done
for plugin in "$build"/plugins/*/*.so; do
    kind=$(basename "$(dirname "$plugin")")
    [ "$kind" != view ] || continue # no INI names one
    has out ";$kind = $(basename "$plugin" .so) ; "
done

# As comments it is an INI that lacks everything; with [run] uncommented it still is.
expect 2 "there is no layer" check "$source/conf/reference.ini"
sed -n '/^;\[run\]/,/^$/p' out | sed 's/^;//; /= *;/d' >run.ini
sed 's/^\[run\]$//; s/^name = small$//' "$ini/small.ini" >>run.ini
expect 0 "run.ini: ok" check run.ini

expect 2 "--reference takes no other argument" inspect run --reference
