#!/usr/bin/env bash
# plugins and inspect: what is there, what it can be told, and why a file cannot be used.
. "$1/tests/support/cli.sh"

expect 0 "images with class labels" plugins --load
grep -qE '^integrator +tsit5 ' out || fail "tsit5 is not listed"
expect 0 "order 5" inspect integrator tsit5
expect 0 "max_steps" inspect layer ode
has out "nested below it are the right-hand side f(t, y), a chain"
has out "10000"
expect 0 "nested below it are a chain; by itself, if there is one: shortcut" inspect layer residual
expect 0 "test_batch" inspect data
expect 2 "'integratr' is no kind" inspect integratr tsit5
expect 2 "no layer is named 'densee': did you mean 'dense'?" inspect layer densee
expect 2 "no keys for a section 'rum'" inspect rum

# A file that is no plugin is listed with the reason, hides nothing, and cannot be used.
mkdir -p mine/layer
echo "no shared object" >mine/layer/broken.so
expect 0 "broken" --plugin-path mine plugins
has out "broken.so"
grep -qE '^layer +dense ' out || fail "a broken plugin hides others"
expect 4 "broken.so" --plugin-path mine inspect layer broken
expect 4 "broken.so" check "$ini/small.ini" --plugin-path mine model.head.layer=broken

# ODEON_PLUGIN_PATH is searched, the working directory never.
mkdir -p other/layer layer
echo "another" >other/layer/elsewhere.so
echo "in the working directory" >layer/here.so
ODEON_PLUGIN_PATH=$work/other expect 0 "elsewhere.so" plugins
! grep -q '/here\.so' out || fail "a plugin of the working directory is listed"
expect 2 "no layer is named 'here'" inspect layer here

# ---- what inspect tells ----

expect 0 "whole numbers, 1 to 65535" inspect layer conv2d
has out "choice of pytorch_default, normal, uniform, zeros, ones, glorot_uniform"
has out "[pixels]"
expect 0 "numbers or linspace(first last n), rtol > 0" inspect layer ode
expect 0 "between steps, of order 5, by polynomials of degree 6" inspect integrator dopri8
expect 0 '"abi": "1.1"' inspect integrator rk4 --json
expect 0 '"type": "flag"' inspect data --json
expect 0 '"refused": [' --plugin-path mine plugins --json
has out '"id": "broken", "file": "'
expect 2 "'eval' takes no option --csv" eval "$ini/small.ini" --csv
expect 2 "--batch, --csv and --json belong to --gradients" check "$ini/small.ini" --json
expect 2 "usage: odeon inspect KIND ID" inspect

# --exists answers with its exit code alone.
exists() {
    local answer=0
    "$odeon" inspect "$@" --exists --plugin-path mine >out 2>err || answer=$?
    [ ! -s out ] && [ ! -s err ] || fail "inspect $* --exists says something"
    echo "$answer"
}
[ "$(exists layer dense)" = 0 ] || fail "dense does not exist"
[ "$(exists layer densee)" = 4 ] || fail "densee exists"
[ "$(exists layer broken)" = 4 ] || fail "a plugin that cannot be used exists"
[ "$(exists layer ../layer/dense)" = 4 ] || fail "a path exists"
expect 2 "'integratr' is no kind" inspect integratr tsit5 --exists
expect 2 "usage: odeon inspect KIND ID --exists" inspect run --exists

# ---- the order of the search ----

# A file in each place; each must be the one in use while those before it are absent.
for place in given environment share/odeon/plugins; do
    mkdir -p "$place/layer"
    echo "no plugin" >"$place/layer/dense.so"
done
uses() { # WHICH OPTIONS...
    local which=$1
    shift
    ODEON_PLUGIN_PATH=$work/environment expect 4 "$which/layer/dense.so: it is no ELF file" \
        "$@" inspect layer dense
}
uses given --plugin-path given
uses environment
rm environment/layer/dense.so
uses share/odeon/plugins
rm share/odeon/plugins/layer/dense.so
ODEON_PLUGIN_PATH=$work/environment expect 0 "$build/plugins/layer/dense.so" inspect layer dense

# [plugins] load names a file, which is before all of them.
expect 0 "ok" check "$ini/small.ini" "plugins.load=$build/plugins/layer/dense.so" --plugin-path given
expect 4 "given/layer/dense.so" check "$ini/small.ini" --plugin-path given

# A relative folder of the environment would be one of the working directory, and does not count.
echo "no plugin" >environment/layer/dense.so
ODEON_PLUGIN_PATH=environment:.:: expect 0 "$build/plugins/layer/dense.so" inspect layer dense
HOME=. XDG_DATA_HOME=share expect 0 "$build/plugins/layer/dense.so" inspect layer dense

# Whoever runs with more rights than their own is not told by the environment what to load. Only
# root can make such a program, and only where the file system lets it have its way; and a sanitizer
# refuses to run in it.
if [ "$(id -u)" -eq 0 ] && ! grep -qa __asan_init "$odeon"; then
    chmod 755 "$work"
    cp "$odeon" raised
    chown nobody raised
    chmod 4755 raised
    odeon=$work/raised
    LD_SHOW_AUXV=1 ./raised --version >out 2>err || fail "a program with raised rights does not run"
    if ! grep -q '^AT_SECURE: *0' out; then
        ODEON_PLUGIN_PATH=$work/environment XDG_DATA_HOME=$work/environment \
            expect 0 "$build/plugins/layer/dense.so" inspect layer dense
    fi
    odeon=$build/odeon
fi

# ---- tableaus that claim less than they have, or are not carried out for a field ----

expect 0 "tableau of 1 stages, order 1, implicit on the diagonal" --plugin-path "$build/test-plugins" \
    inspect integrator implicit_midpoint
has out "warning    b claims order 1, but is of order 2"
expect 0 '"cannot_carry_out": null' --plugin-path "$build/test-plugins" \
    inspect integrator implicit_midpoint --json
has out '"proved": {"at_most": 10, "order": 2, "embedded_order": 0, "interp_order": 0, "more_orders": []}'
expect 0 "a pair of an explicit and an implicit table" --plugin-path "$build/test-plugins" \
    inspect integrator imex_euler
expect 0 "\"cannot_carry_out\": null" --plugin-path "$build/test-plugins" \
    inspect integrator imex_euler --json
expect 2 "ode: integrator imex_euler treats the stiff term of a field implicitly and the rest explicitly, but \
this field has no stiff term: put the layers of it into a section named stiff below this one, or give another \
integrator" check "$ini/small.ini" --plugin-path "$build/test-plugins" model.ode.integrator=imex_euler
expect 0 "order 4, 4 by the rule first" --plugin-path "$build/test-plugins" inspect integrator bs5
has out "between steps, of order 5, by polynomials of degree 6 and 3 evaluations more"
