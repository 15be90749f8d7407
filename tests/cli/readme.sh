#!/usr/bin/env bash
# README.md is right: its INI is a whole one, and its solver plugin, built as it says, solves and is
# differentiated.
. "$1/tests/support/cli.sh"

# The first block of a language in README.md.
block() {
    awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } /^```/ { if (on) exit } on' \
        "$source/README.md"
}

block ini >readme.ini
expect 0 "87,532" check readme.ini

toy

block c >ralston.c
command=$(grep '^cc .*ralston.so ralston.c$' "$source/README.md") || fail "no command builds it"
mkdir -p my/integrator
ln -s "$source/include" include
bash -c "${command/#cc/cc -Wall -Wextra -Wpedantic -Werror}"

expect 0 "Ralston's method" --plugin-path my inspect integrator ralston
expect 0 "integrator ralston" --plugin-path my plugins
for gradient in direct adjoint; do
    expect 0 "test accuracy" --plugin-path my train "$ini/small.ini" \
        "data.dataset=idx(path=$work/toy)" model.ode.integrator=ralston \
        model.ode.gradient=$gradient run.iterations=2 run.out="$gradient"
done
