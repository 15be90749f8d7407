#!/usr/bin/env bash
# The solver plugin of README.md, built as README.md says, solves and is differentiated.
. "$1/tests/support/cli.sh"
toy

sed -n '/^```c$/,/^```$/p' "$source/README.md" | sed '/^```/d' >ralston.c
command=$(grep '^cc .*ralston.so ralston.c$' "$source/README.md") || fail "no command builds it"
mkdir -p my/integrator
ln -s "$source/include" include
[ -n "${CC:-}" ] || command -v cc >/dev/null || { echo "no cc here" && exit 1; }
bash -c "${command/#cc/${CC:-cc} -Wall -Wextra -Wpedantic -Werror}"

expect 0 "Ralston's method" --plugin-path my inspect integrator ralston
expect 0 "integrator ralston" --plugin-path my plugins
for gradient in direct adjoint; do
    expect 0 "test accuracy" --plugin-path my train "$ini/small.ini" \
        "data.dataset=idx(path=$work/toy)" model.ode.integrator=ralston \
        model.ode.gradient=$gradient run.max_steps=2 run.out="$gradient"
done
