#!/usr/bin/env bash
# Plugins that were built when their interfaces were frozen, tests/golden/abi-1.0, work with the host
# of today: it loads them, and a run with them has the same bits as one with the same sources built
# anew. So do plugins of headers that are yet to come, whose structures are longer; of what they want
# to be understood nothing is passed over.
. "$1/tests/support/cli.sh"
golden=$source/tests/golden/abi-1.0
. "$golden/compile.sh"

if [ "$(uname -m)" != x86_64 ]; then
    echo "not covered: golden plugins (they are of x86-64, this machine is $(uname -m))"
    exit 0
fi

# build FOLDER INCLUDE [OPTIONS ...]: the golden sources as they come out now.
build() {
    local folder=$1 include=$2 file kind
    shift 2
    for file in "$golden"/*/*.c; do
        kind=$(basename "$(dirname "$file")")
        mkdir -p "$folder/$kind"
        golden_compile "$include" "$file" "$folder/$kind/$(basename "$file" .c).so" "$@" 2>cc.log ||
            fail "$file does not build: $(cat cc.log)"
    done
    chmod -R go-w "$folder"
}

mkdir old
for file in "$golden"/*/*.so; do
    kind=$(basename "$(dirname "$file")")
    mkdir -p "old/$kind"
    cp "$file" "old/$kind"
    [ -z "$(nm -D --undefined-only "$file")" ] || fail "$file imports something"
    [ "$(stat -c %s "$file")" -lt 20000 ] || fail "$file is large"
done
chmod -R go-w old
[ "$(find old -name '*.so' | wc -l)" -eq 3 ] || fail "not the three golden plugins"
build new "$source/include"

# later: headers of a minor to come, whose growing structures are longer by 64 bytes.
cp -r "$source/include" later_include
sed -i 's/^#define ODEON_ABI_MINOR .*/#define ODEON_ABI_MINOR 9/' later_include/odeon/abi.h
grown=0
for structure in host:odeon_host option:odeon_option plugin:odeon_component plugin:odeon_plugin tableau:odeon_tableau \
    tableau:odeon_control_hint schedule:odeon_position schedule:odeon_schedule_ops dataset:odeon_field_info dataset:odeon_dataset_ops; do
    header=later_include/odeon/${structure%%:*}.h
    sed -i "s/^} ${structure##*:};/    uint64_t later[8];\n} ${structure##*:};/" "$header"
    grown=$((grown + $(grep -c 'uint64_t later\[8\]' "$header")))
done
[ "$grown" -ge 10 ] || fail "only $grown structures grew"
build later later_include -DODEON_PLUGIN_NEEDS_MINOR=0

# ---- used, each by what it is for ----

cat >golden.ini <<'END'
[run]
name  = golden
epochs = 3

[data]
dataset = golden_grid(shape=6, length=48)
batch   = 16

[model.ode]
layer      = ode(rtol=1e-4, atol=1e-4, control=sciml)
integrator = golden_bs3
gradient   = direct

[model.ode.field]
layer = dense(units=state)
then  = tanh

[model.head]
layer = dense(units=6)

[train]
loss      = mse
optimizer = adam(lr=1e-2)
schedule  = golden_decay(unit=steps, from=3, staircase=yes, stops=2 5)
END

run() { # NAME FOLDER: trains with the plugins of that folder alone
    expect 0 "results in" train golden.ini --plugin-path "$2" run.out="run_$1"
    for id in golden_grid golden_bs3 golden_decay; do
        grep -q "$2/.*/$id.so" "run_$1/manifest.json" || fail "$1: the manifest does not name $2's $id"
    done
}
same() { # NAME NAME: bit for bit
    cmp -s "run_$1/weights.safetensors" "run_$2/weights.safetensors" || fail "weights of $1 and $2 differ"
    [ -s "run_$1/weights.safetensors" ] || fail "no weights"
}
run old old
run new new
run later later
same old new
same old later
expect 0 "results in" train golden.ini --plugin-path old run.out=run_classes train.loss=cross_entropy \
    'data.dataset=golden_grid(shape=4, classes=4)' 'model.head.layer=dense(units=classes)'
for folder in old later; do
    expect 0 "of order 3, by polynomials of degree 3" --plugin-path "$folder" inspect integrator golden_bs3
    expect 0 "staircase" --plugin-path "$folder" inspect schedule golden_decay
    expect 2 "stops are numbers, or none" train golden.ini --plugin-path "$folder" run.out=none 'train.schedule=golden_decay(stops=never)'
    expect 2 "a file, or too many dimensions" train golden.ini --plugin-path "$folder" run.out=none \
        'data.dataset=golden_grid(shape=6, source=file(path=x))'
done

# ---- bits that are not known ----

# Up to 15 they may be ignored: the run is the same. From 16 on the plugin is refused, in one line.
for bit in 8 15; do
    build "low_$bit" later_include -DODEON_PLUGIN_NEEDS_MINOR=0 -DGOLDEN_FLAGS="(1u << $bit)"
    run "low_$bit" "low_$bit"
    same old "low_$bit"
done
refused() { # WORDS FOLDER
    expect 4 "$1" train golden.ini --plugin-path "$2" run.out=none
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line says that it is refused"
}
for bit in 16 31; do
    build "high_$bit" later_include -DODEON_PLUGIN_NEEDS_MINOR=0 -DGOLDEN_FLAGS="(1u << $bit)"
    for kind in integrator dataset schedule; do
        rm -rf mixed
        cp -r old mixed
        cp high_"$bit/$kind"/*.so "mixed/$kind"
        case $kind in
        integrator) words="golden_bs3: tableau: flag bits that this host does not know, but must understand" ;;
        dataset) words="golden_grid.so), field: it sets flag bits that this host does not know: 0x" ;;
        schedule) words="golden_decay: option rate: it has flag bits that this host does not know, but must understand" ;;
        esac
        refused "$words" mixed
    done
done

# What needs a later host says so by itself.
build needs later_include
refused "it needs ABI 1.9, this host has 1.1" needs
