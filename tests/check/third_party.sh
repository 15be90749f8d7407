#!/bin/bash
# Installs Odeon, builds plugins outside of its tree from what was installed, and works with them:
# inspects them, compares the solve with the library's own method of the same order, trains with the
# layer. Where the device cuda is built the layer's kernel for it is, too.
set -euo pipefail
source_folder=$1
build_folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

complain() {
    echo "FAILED: $1"
    exit 1
}

cmake --install "$build_folder" --prefix "$work/prefix" >"$work/install.log" ||
    complain "install: $(tail -5 "$work/install.log")"
for file in bin/odeon include/odeon/odeon.h include/odeon/cuda.h lib/cmake/odeon/odeon-config.cmake lib/cmake/odeon/plugin.map \
    lib/pkgconfig/odeon.pc lib/odeon/plugins/integrator/rk4.so; do
    [ -e "$work/prefix/$file" ] || complain "$file was not installed"
done
flags=$(PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig pkg-config --cflags odeon)
[ -e "$(xargs <<<"${flags#-I}")/odeon/odeon.h" ] || complain "odeon.pc does not lead to the headers: $flags"

# A program that runs the host: built by pkg-config alone, found where it was installed.
cat >"$work/run.c" <<'END'
#include <odeon_run.h>
int main(int argc, char **argv) { return odeon_main(argc, argv); }
END
read -ra flags < <(PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig pkg-config --cflags --libs odeon-host)
mapfile -t sanitizers < <(sed -n 's/^ODEON_SANITIZE:STRING=\(.\)/-fsanitize=\1/p' "$build_folder/CMakeCache.txt")
"${CC:-cc}" "${sanitizers[@]}" -o "$work/run" "$work/run.c" "${flags[@]}" || complain "a program with ${flags[*]} does not link"
LD_LIBRARY_PATH=$work/prefix/lib "$work/run" --version | grep -q '^odeon ' ||
    complain "a program that runs the host says nothing"

# Nothing of the tree is within reach: a copy of the source, and only the prefix to find.
cp -r "$source_folder/tests/third_party" "$work/plugin"
cuda=()
if [ -e "$build_folder/plugins/device/cuda.so" ]; then
    cuda=(-DWITH_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=90 -DCMAKE_CUDA_COMPILER="$(sed -n \
        's/^\(ODEON_NVCC\|CMAKE_CUDA_COMPILER\):[A-Z]*=//p' "$build_folder/CMakeCache.txt" | head -n 1)")
else
    cat "$build_folder/not_covered"
fi
cmake -G Ninja -S "$work/plugin" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/prefix" "${cuda[@]}" \
    >"$work/cmake.log" || complain "configure: $(tail -5 "$work/cmake.log")"
cmake --build "$work/out" --verbose >"$work/build.log" 2>&1 ||
    complain "build: $(tail -20 "$work/build.log")"
grep -qE "(^|[[:space:]=]|-I|-L)$source_folder/" "$work/build.log" &&
    complain "the build reaches into the source tree"
for plugin in "$work"/out/plugins/*/*.so; do
    [ "$(nm -D --defined-only "$plugin" | awk '{ print $3 }')" = odeon_plugin_v1 ] ||
        complain "$plugin exports more or less than odeon_plugin_v1"
done

# The installed program finds its own plugins beside itself and the new one where it is told to.
cd "$work"
unset ODEON_PLUGIN_PATH
export XDG_DATA_HOME=$work/share

odeon() {
    "$work/prefix/bin/odeon" --plugin-path "$work/out/plugins" "$@" >out.txt 2>err.txt ||
        complain "odeon $*: $(cat err.txt)"
}

odeon plugins
grep -q 'integrator ralston2' out.txt || complain "odeon plugins does not list the plugin"
grep -q "$work/prefix/lib/odeon/plugins/integrator/rk4.so" out.txt ||
    complain "the installed plugins are not those in use"
odeon inspect integrator ralston2
grep -q '2 stages, order 2' out.txt || complain "odeon inspect does not tell the order"

if [ "${#cuda[@]}" -gt 0 ]; then
    odeon plugins
    grep -q '^layer *swish@cuda ' out.txt || complain "odeon plugins does not list the kernel"
    odeon inspect layer swish
    grep -q 'kernel *for cuda: ' out.txt || complain "odeon inspect does not name the kernel"
fi

# A batch of four images of 8 x 8 pixels, each 0.5 or -0.25, with labels 1 to 4.
cp "$source_folder/tests/third_party/ralston.ini" .
header='{"x":{"dtype":"F32","shape":[4,1,8,8],"data_offsets":[0,1024]},'
header+='"y":{"dtype":"U8","shape":[4],"data_offsets":[1024,1028]}}'
{
    # shellcheck disable=SC2059
    printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"
    for ((i = 0; i < 256; i++)); do
        if ((i * i % 7 < 3)); then printf '\0\0\0\x3f'; else printf '\0\0\x80\xbe'; fi
    done
    printf '\x1\x2\x3\x4'
} >batch.safetensors

# Order 2: half the step size leaves a quarter of the error, and 4 steps are small enough for that
# to show to a fifth.
loss() {
    odeon grad ralston.ini --batch batch.safetensors --out grad.safetensors "$@"
    awk '$1 == "loss" { print $2 }' out.txt
}
exact=$(loss model.ode.integrator=rk4 model.ode.steps=64)
four=$(loss model.ode.steps=4)
eight=$(loss model.ode.steps=8)
awk -v e="$exact" -v a="$four" -v b="$eight" 'BEGIN {
    ratio = b == e ? 0 : (a - e) / (b - e)
    if (!(ratio > 3.2 && ratio < 4.8)) { print "FAILED: errors fall by " ratio; exit 1 }
}'

# The method bs3 in each language: the order of the C one, and from the others the same numbers.
[ -e out/plugins/integrator/bs3_c.so ] || complain "bs3_c was not built"
four=$(loss model.ode.integrator=bs3_c model.ode.steps=4)
eight=$(loss model.ode.integrator=bs3_c model.ode.steps=8)
awk -v e="$exact" -v a="$four" -v b="$eight" 'BEGIN {
    ratio = b == e ? 0 : (a - e) / (b - e)
    if (!(ratio > 6 && ratio < 10.5)) { print "FAILED: bs3: errors fall by " ratio; exit 1 }
}'
for language in cpp fortran rust; do
    if [ ! -e "out/plugins/integrator/bs3_$language.so" ]; then
        echo "not covered: a plugin in $language (no compiler)"
        continue
    fi
    odeon inspect integrator "bs3_$language"
    grep -q '4 stages, order 3' out.txt || complain "odeon inspect does not tell the order of bs3_$language"
    [ "$(loss model.ode.integrator="bs3_$language" model.ode.steps=4)" = "$four" ] &&
        [ "$(loss model.ode.integrator="bs3_$language" model.ode.steps=8)" = "$eight" ] ||
        complain "bs3 in $language is another method than in C"
    echo "bs3 in $language: the numbers of C"
done

bash "$source_folder/tests/support/make_idx.sh" toy 64 32 8
odeon train ralston.ini run.out=trained
grep -q 'ralston2.so' trained/manifest.json || complain "the manifest does not name the plugin"
odeon train ralston.ini run.out=with_layer model.ode.f.then=swish
grep -q 'swish.so' with_layer/manifest.json || complain "the manifest does not name the layer's plugin"

# The observer sees what metrics.csv has, and its file is kept beside that.
odeon train ralston.ini run.out=seen run.observers=csv,tally
grep -q '^odeon: tally: [1-9][0-9]* of training, [1-9][0-9]* of tests$' err.txt || complain "tally counts nothing"
cmp <(awk -F , 'NR > 1 { print $1, $5 }' seen/metrics.csv) seen/metrics.tally ||
    complain "the observer has other rows than metrics.csv"
