#!/usr/bin/env bash
# A layer's kernel for the device: what plugins, inspect, check, train and the manifest say of it, and
# what is said where it cannot be used.
. "$1/tests/support/cli.sh"
tests=(--plugin-path "$build/test-plugins")
hostile=(--plugin-path "$build/hostile-plugins")

cat >swish.ini <<END
[run]
device = remote
iterations = 2
[data]
dataset = drawn(shape=6, classes=3, length=16)
batch = 8
[model.a]
layer = dense(units=5)
then = swish(beta=2)
[model.head]
layer = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.1)
END

# ---- what there is ----

expect 0 "swish@remote" "${tests[@]}" plugins --load
for id in swish swish@remote swish@emulated mixed mixed@remote; do
    grep -qE "^layer +$id +1" out || fail "$id is not listed"
done
expect 0 "kernel     for remote: $build/test-plugins/layer/swish@remote.so" "${tests[@]}" \
    inspect layer swish
expect 0 "kernel     for remote: $build/test-plugins/layer/mixed.so" "${tests[@]}" inspect layer mixed
expect 0 '{"device": "remote", "file": "' "${tests[@]}" inspect layer swish --json
expect 0 "stands in  for layer swish where run.device is remote" "${tests[@]}" \
    inspect layer swish@remote
expect 0 '"kernels": []' inspect layer dense --json
expect 0 ";layer = swish" "${tests[@]}" inspect --reference
! grep -q '^;layer = .*@' out || fail "the reference names a kernel, which no INI can"
expect 2 "no layer is named 'swich': did you mean 'swish'?" "${tests[@]}" inspect layer swich
expect 2 "did you mean 'swish@remote'?" "${tests[@]}" inspect layer swish@remot

# ---- what takes its place ----

kernel='a.swish  swish@remote  5'
expect 0 "$kernel" "${tests[@]}" check swish.ini
expect 0 "a.swish  swish@emulated" "${tests[@]}" check swish.ini run.device=emulated
expect 0 "a.swish  swish  5" "${tests[@]}" check swish.ini run.device=cpu
expect 0 "a.swish  swish  5" "${tests[@]}" check swish.ini run.kernels=no
expect 0 "$kernel" "${tests[@]}" train swish.ini run.out=with
has with/manifest.json '  "kernels": ["swish@remote"],'
has with/manifest.json '"name": "swish kernels", "version": "1.0"'
has with/effective.ini 'kernels = yes'
! grep -q '@' with/effective.ini || fail "the normal form names a kernel"
expect 0 "results in" "${tests[@]}" train swish.ini run.out=without run.kernels=no
! grep -q '"kernels"' without/manifest.json || fail "a kernel that is not used stands in the manifest"
answer=0
"$odeon" diff with without >out 2>err || answer=$?
[ "$answer" -eq 1 ] || fail "diff: exit code $answer"
has out 'machine: kernels ["swish@remote"] | (none)'
expect 0 "on from step 2" "${tests[@]}" train with --resume run.iterations=3
[ "$(grep -c '"kernels": \["swish@remote"\]' with/manifest.json)" -eq 2 ] ||
    fail "the resumption does not name its kernels"

# ---- what cannot be ----

expect 2 "layer = swish@remote: leave out what begins with @: a layer's kernel for a device" \
    "${tests[@]}" check swish.ini model.a.layer=swish@remote
sed 's/swish(beta=2)/swish@remote/' swish.ini >named.ini
expect 2 "named.ini:9: [model.a] layer = swish@remote: leave out what begins with @" \
    "${tests[@]}" check named.ini
expect 2 "no layer is named 'orphan': there is only orphan@cpu, which takes its place" \
    "${hostile[@]}" "${tests[@]}" check swish.ini model.a.then=orphan
expect 4 "mixed@remote of $build/test-plugins/layer/mixed.so has [6] of float32 as its output where" \
    "${tests[@]}" check swish.ini "model.a.then=mixed(fault=shape)"
has err "run.kernels=no does without it"
expect 0 "ok" "${tests[@]}" check swish.ini "model.a.then=mixed(fault=shape)" run.kernels=no
expect 4 "has weight [6, 5] (role 0, init 1, -0.5, 0.5) as parameter 0 where layer mixed has" \
    "${tests[@]}" check swish.ini "model.a.then=mixed(fault=dims)"

# Two that offer the same: of one folder neither is used, of two folders the one in the layer's own
# plugin, and that is said.
expect 4 "layer shadowed@cpu is claimed by $build/hostile-plugins/layer/shadowed@cpu.so, too" \
    "${hostile[@]}" "${tests[@]}" check swish.ini run.device=cpu model.a.then=shadowed
mkdir -p one/layer
cp "$build/hostile-plugins/layer/shadowed.so" one/layer
chmod -R go-w one
hostile=(--plugin-path one "${hostile[@]}")
expect 0 "shadowed@cpu" "${hostile[@]}" "${tests[@]}" check swish.ini run.device=cpu \
    model.a.then=shadowed
[ "$(grep -c "layer/shadowed@cpu.so: its layer shadowed@cpu is not used: .*/shadowed.so holds" err)" \
    -eq 1 ] || fail "the second kernel is not told of, or more than once"
expect 0 "ok" "${hostile[@]}" "${tests[@]}" check swish.ini run.device=cpu model.a.then=shadowed \
    "plugins.load=$build/hostile-plugins/layer/shadowed@cpu.so"
has err "layer/shadowed.so: its layer shadowed@cpu is not used: "

# A container has none.
cat >chain.ini <<END
$(sed '/^\[model.a\]/,/^then/d' swish.ini)
[model.b]
layer = chain
[model.b.c]
layer = relu
END
expect 4 "chain@cpu cannot take the place of layer chain, which holds other layers" "${hostile[@]}" \
    "${tests[@]}" check chain.ini run.device=cpu
expect 0 "ok" "${hostile[@]}" "${tests[@]}" check chain.ini run.device=cpu run.kernels=no
