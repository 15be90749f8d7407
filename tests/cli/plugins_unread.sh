#!/usr/bin/env bash
# A list of plugins is made of their notes: whatever stands in a folder of plugins, nothing of it
# runs for a list, nor because somebody asks for another component. leaves_mark leaves the file
# `mark` as soon as it is loaded.
. "$1/tests/support/cli.sh"
umask 022
export ODEON_TEST_MARK=$work/mark
mkdir -p mine/integrator mine/layer
cp "$build/hostile-plugins/integrator/leaves_mark.so" mine/integrator/
mine=(--plugin-path mine)

unread() {
    [ ! -e mark ] || fail "$1: the plugin's code has run"
}

expect 0 "$work/mine/integrator/leaves_mark.so" "${mine[@]}" plugins
unread "plugins"
grep -qE '^integrator +leaves_mark +ABI 1.1 ' out || fail "what the note says is not listed"
grep -qE '^integrator +tsit5 +ABI 1.1 ' out || fail "the program's own are not listed"
! grep -q '^refused:' out || fail "something is refused"
expect 0 '{"kind": "integrator", "id": "leaves_mark", "file": "' "${mine[@]}" plugins --json
unread "plugins --json"
has out '"abi": "1.1"}'
expect 0 "kernel" "${mine[@]}" --plugin-path "$build/test-plugins" inspect layer swish
expect 0 "order 5" "${mine[@]}" inspect integrator tsit5
expect 0 "ok" "${mine[@]}" check "$ini/small.ini"
expect 0 "steps" "${mine[@]}" inspect run
unread "another component"

# What cannot be used for what its note says is refused as unread.
note=$(strings -a mine/integrator/leaves_mark.so | grep '^abi=')
[ -n "$note" ] || fail "no note"
strip --remove-section=.note.odeon -o bare.so mine/integrator/leaves_mark.so
mv bare.so mine/integrator/bare.so
cp mine/integrator/leaves_mark.so mine/integrator/named.so # by a name that it does not hold
sed 's/abi=1\.[0-9]/abi=9.0/' mine/integrator/leaves_mark.so >mine/integrator/newer.so
cp mine/integrator/leaves_mark.so mine/integrator/open.so
chmod 666 mine/integrator/open.so
cp mine/integrator/leaves_mark.so mine/integrator/euler.so
expect 0 "refused:" "${mine[@]}" plugins
unread "plugins that are refused"
refused() { # ID REASON
    sed -n '/^refused:/,$p' out | grep -E "^integrator +$1 " | grep -qF -- "$2" || fail "$1: not '$2'"
}
refused bare "it is no Odeon plugin: it lacks the note"
refused named "it holds no integrator named, but integrator leaves_mark"
refused newer "it is made for ABI 9.0"
refused open "others may write to it"
for id in bare named newer open; do
    expect 4 "integrator/$id.so: " "${mine[@]}" inspect integrator $id
    ! "$odeon" "${mine[@]}" inspect integrator $id --exists || fail "$id exists"
    expect 4 "integrator/$id.so: " check "$ini/small.ini" "${mine[@]}" model.ode.integrator=$id
done
expect 4 "euler.so: it holds no integrator euler" check "$ini/small.ini" "${mine[@]}" \
    model.ode.integrator=euler
unread "what is refused"

expect 0 "leaves_mark" "${mine[@]}" plugins --load
[ -e mark ] || fail "--load does not load"
