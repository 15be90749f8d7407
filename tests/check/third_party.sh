#!/bin/bash
# Installs Odeon, builds a plugin outside of its tree from what was installed, and works with it:
# inspects it, compares its solve with the library's own method of the same order, trains with it.
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
for file in include/odeon/odeon.h lib/cmake/odeon/odeon-config.cmake lib/cmake/odeon/plugin.map \
    lib/pkgconfig/odeon.pc lib/odeon/plugins/integrator/rk4.so; do
    [ -e "$work/prefix/$file" ] || complain "$file was not installed"
done
flags=$(PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig pkg-config --cflags odeon)
[ -e "$(xargs <<<"${flags#-I}")/odeon/odeon.h" ] || complain "odeon.pc does not lead to the headers: $flags"

# Nothing of the tree is within reach: a copy of the source, and only the prefix to find.
cp -r "$source_folder/tests/third_party" "$work/plugin"
cmake -S "$work/plugin" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/cmake.log" ||
    complain "configure: $(tail -5 "$work/cmake.log")"
cmake --build "$work/out" --verbose >"$work/build.log" 2>&1 ||
    complain "build: $(tail -20 "$work/build.log")"
grep -q "$source_folder" "$work/build.log" && complain "the build reaches into the source tree"
plugin=$work/out/plugins/integrator/ralston2.so
[ "$(nm -D --defined-only "$plugin" | awk '{ print $3 }')" = odeon_plugin_v1 ] ||
    complain "the plugin exports more or less than odeon_plugin_v1"
