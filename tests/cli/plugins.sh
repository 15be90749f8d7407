#!/usr/bin/env bash
# plugins and inspect: what is there, what it can be told, and why a file cannot be used.
. "$1/tests/support/cli.sh"

expect 0 "images with class labels" plugins
grep -qE '^integrator +tsit5 ' out || fail "tsit5 is not listed"
expect 0 "order 5" inspect integrator tsit5
expect 0 "max_steps" inspect layer ode
has out "10000"
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
