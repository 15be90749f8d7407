#!/usr/bin/env bash
# A layer that was built with headers of another week, in which five slots were not yet in the middle of
# a table that it calls, would call the wrong ones: it trains, and its gradient is wrong. It is
# refused before anything of it runs. A method as a table, whose interface is frozen, is not.
. "$1/tests/support/cli.sh"

cp -r "$source/include" old
calls=$(grep -c '^    odeon_status (\*' old/odeon/device_pointwise.h)
sed -i '0,/^    odeon_status (\*unary)/s//    void (*a)(void), (*b)(void), (*c)(void), (*d)(void), (*e)(void);\n&/' old/odeon/device_pointwise.h
[ "$calls" -ge 2 ] && ! cmp -s old/odeon/device_pointwise.h "$source/include/odeon/device_pointwise.h" || fail "nothing was inserted"
mkdir tree
mv old tree/include
bash "$source/tests/abi/layouts.sh" tree >layouts.h
mv layouts.h tree/include/odeon/layouts.h

mkdir -p plugins/layer plugins/integrator
build() { # KIND ID SOURCE
    "${CC:-gcc}" -std=c11 -O1 -fPIC -shared -fvisibility=hidden -Itree/include -o "plugins/$1/$2.so" "$3"
}
build layer swish "$source/tests/third_party/swish/swish.c"
build integrator ralston2 "$source/tests/third_party/ralston2.c"
chmod -R go-w plugins

toy 64 16
expect 0 "results in" --plugin-path plugins train "$ini/small.ini" data.path=toy run.iterations=1 run.out=run model.ode.integrator=ralston2 model.ode.steps=2
expect 4 "swish.so: it was built with other draft headers of layer (" --plugin-path plugins train "$ini/small.ini" \
    data.path=toy run.iterations=1 run.out=none model.head.then=swish
[ "$(wc -l <err)" -eq 1 ] || fail "it is not said in one line"
[ ! -e none ] || fail "the run began"
