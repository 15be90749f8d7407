#!/usr/bin/env bash
# Which of several files is used: what ships with the program stays in use unless [plugins] replace
# says otherwise, whoever names the other file; runs keep which it was.
. "$1/tests/support/cli.sh"
umask 022
toy 64 16
mkdir -p mine/integrator mine/layer other/integrator
cp "$build/plugins/integrator/dopri5.so" mine/integrator/
expect 0 "order 5" --plugin-path mine inspect integrator dopri5 # a copy takes nobody's place
printf x >>mine/integrator/dopri5.so
small=("$ini/small.ini" "data.path=toy" run.iterations=2 model.ode.steps=2)
refusal="mine/integrator/dopri5.so: it would take the place of integrator dopri5, which ships with the program ($build/plugins/integrator/dopri5.so)"

# ---- by each of the ways in which a file is found ----

expect 4 "$refusal" check "${small[@]}" --plugin-path mine
has err "allow it by replace = integrator/dopri5 in [plugins]"
ODEON_PLUGIN_PATH=$work/mine expect 4 "$refusal" check "${small[@]}"
mkdir -p share/odeon
ln -s "$work/mine" share/odeon/plugins
XDG_DATA_HOME=$work/share expect 4 "$refusal" check "${small[@]}"
rm share/odeon/plugins
expect 4 "$refusal" check "${small[@]}" plugins.load=mine/integrator/dopri5.so
expect 4 "$refusal" --plugin-path mine inspect integrator dopri5
expect 0 "$refusal" --plugin-path mine plugins

# ---- allowed ----

told="its integrator dopri5 takes the place of the one that ships with the program"
expect 0 "results in" train "${small[@]}" run.out=shipped
expect 0 "results in" train "${small[@]}" run.out=replaced --plugin-path mine \
    plugins.replace=integrator/dopri5
[ "$(grep -cF "$told" err)" -eq 1 ] || fail "what is replaced is not told once"
has replaced/manifest.json '"replaces": "integrator/dopri5"'
has replaced/manifest.json "mine/integrator/dopri5.so"
has replaced/effective.ini "replace = integrator/dopri5"
! grep -q '"replaces"' shipped/manifest.json || fail "the run without it replaces something"
cmp -s shipped/weights.safetensors replaced/weights.safetensors || fail "a copy computes otherwise"
expect 0 "results in" train replaced/effective.ini run.out=again --plugin-path mine
has again/manifest.json '"replaces": "integrator/dopri5"'
expect 0 "ok" check "${small[@]}" plugins.load=mine/integrator/dopri5.so \
    plugins.replace=integrator/dopri5,layer/dense
has err "$told"

# What is named and offered by nobody else stays what it is; what is no name is refused.
expect 0 "ok" check "${small[@]}" plugins.replace=integrator/dopri5
! grep -qF "$told" err || fail "the program's own takes its own place"
expect 2 "[plugins] replace = dopri5: expected KIND/ID" check "${small[@]}" plugins.replace=dopri5

# The program's own folder is no other, by whatever name.
ln -s "$build/plugins" link
expect 0 "ok" check "${small[@]}" --plugin-path link
expect 0 "ok" check "${small[@]}" --plugin-path "$build/plugins"

# ---- of files of others the first folder counts; of one folder none does ----

cp "$build/hostile-plugins/integrator/harmless.so" mine/integrator/
cp "$build/hostile-plugins/integrator/harmless.so" other/integrator/
expect 0 "$work/other/integrator/harmless.so" --plugin-path other --plugin-path mine \
    inspect integrator harmless
expect 0 "$work/mine/integrator/harmless.so" --plugin-path mine --plugin-path other \
    inspect integrator harmless
cp "$build/hostile-plugins/layer/shadowed.so" "$build/hostile-plugins/layer/shadowed@cpu.so" mine/layer
expect 4 "mine/layer/shadowed.so: layer shadowed@cpu is claimed by " --plugin-path mine \
    inspect layer shadowed
has err "mine/layer/shadowed@cpu.so, too, of the same folder: keep one of them"

# ---- which file it was ----

# One without a build-id is known by its hash.
strip --remove-section=.note.gnu.build-id -o bare.so "$build/hostile-plugins/integrator/harmless.so"
mv bare.so other/integrator/harmless.so
expect 0 "results in" train "${small[@]}" run.out=bare --plugin-path other model.ode.integrator=harmless
hash=$(sha256sum <other/integrator/harmless.so | cut -d' ' -f1)
if ! grep -q "\"build_id\": \"\", \"sha256\": \"$hash\"" bare/manifest.json; then
    fail "the manifest lacks the hash: $(grep harmless bare/manifest.json)"
fi
