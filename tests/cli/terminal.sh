#!/usr/bin/env bash
# Whatever names of files, sections, values, columns, tensors and plugins hold, no control character
# of it reaches the terminal, by standard output or standard error: it is shown as an escape.
. "$1/tests/support/cli.sh"
export LC_ALL=C
# A window title, C1's CSI as UTF-8 and as a byte of its own, text turned around, a line separator.
nasty=$(printf 'x\033]0;P\007\302\2331m\2332J\342\200\256y\342\201\246\342\200\250\177')

n=0
# clean WHAT TEXT ARGUMENTS...: neither stream has anything raw, and TEXT is in one of them.
clean() {
    local what=$1 text=$2
    shift 2
    "$odeon" "$@" >out 2>err </dev/null || true
    ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xaf]' out err ||
        fail "$what: something raw"
    case $what in # JSON has U+FFFD where a name is no UTF-8
    *JSON) ;;
    *) ! cat out err | tr -d '\n\t -~' | grep -q . || fail "$what: other bytes than ASCII" ;;
    esac
    grep -qF -- "$text" out err || fail "$what: '$text' is not shown"
    n=$((n + 1))
}
shown='x\x1b]0;P\x07\u009b1m\x9b2J\u202ey\u2066\u2028\x7f'
escaped='x\u001b]0;P\u0007\u009b1m'

toy 64 16
small="$ini/small.ini"
quick=(data.path="$work/toy" run.iterations=1 run.workers=1)
cp "$small" "$nasty.ini"
mkdir "$nasty"

clean "an INI's name" "$shown.ini: ok" check "$nasty.ini"
clean "an INI that is not there" "$shown" check "gone$nasty"
clean "a command" "$shown" "$nasty"
clean "an option" "$shown" train "--$nasty"
clean "help" "$shown" help "$nasty"
clean "a value" "$shown" check "$small" "model.head.layer=$nasty"
clean "a key" "$shown" check "$small" "model.head.$nasty=1"
clean "a section" "$shown" check "$small" "model.$nasty.layer=dense"
clean "a key without effect" "ode.rtol" check "$small" model.ode.steps=4 "model.ode.rtol=1e-3"
clean "a run's name" "$shown" train "$small" "${quick[@]}" run.name="$nasty"
clean "a run's folder" "$shown" train "$small" "${quick[@]}" run.out="$nasty/run"
"$odeon" train "$small" "${quick[@]}" run.out=made >out 2>err || fail "no run"
mv made "$nasty/run"
clean "a run that goes on" "$shown" train "$nasty/run" --resume run.iterations=2
clean "a run that has ended" "$shown" train "$nasty/run" --resume
clean "weights" "$shown" eval "$small" data.path=toy --weights "$nasty.safetensors"
cp "$nasty/run/weights.safetensors" weights.safetensors
clean "predictions" "predictions in" predict "$small" data.path=toy --weights weights.safetensors \
    --split test --out "$nasty/p.csv"
clean "a file in" "$shown" predict "$small" data.path=toy --weights weights.safetensors \
    --in "$nasty.npy" --out p.csv
clean "a split" "$shown" solve "$small" data.path=toy --split "$nasty"
clean "states" "evaluations" solve "$small" data.path=toy --split test --out "$nasty/s.csv"
clean "a batch" "$shown" grad "$small" --batch "$nasty.safetensors" --out g.safetensors
clean "two runs" "$shown" diff "$nasty/run" "$nasty"
cp -r "$nasty/run" other
sed -i "s/\"name\": \"dopri5\"/\"name\": \"$(printf 'd\302\233m')\"/" other/manifest.json
clean "what differs" "plugin" diff "$nasty/run" other
clean "a replay" "$shown" replay "$nasty/run/failure"
clean "a section's keys" "$shown" inspect "$nasty"
clean "a kind" "$shown" inspect "$nasty" x
clean "a component" "$shown" inspect layer "$nasty"
clean "a data set" "$shown" train "$small" data.path="$nasty/gone"

# INIs by their contents, which may have no C0 anyway.
inside=$(printf 'x\302\2331m\342\200\256y')
seen='x\u009b1m\u202ey'
printf '[run]\n%s = 1\n' "$nasty" >c0.ini
clean "control characters in an INI" "c0.ini:2: a control character" check c0.ini
printf '[run]\n%s = 1\n' "$inside" >key.ini
clean "a key of an INI" "$seen" check key.ini
printf '[%s]\nlayer = dense\n' "$inside" >section.ini
clean "a section of an INI" "$seen" check section.ini
{ sed '/^layer = dense(units=classes)/d' "$small"; printf '[model.%s]\nlayer = dense\n' "$inside"; } >path.ini
clean "a layer of an INI" "$seen" check path.ini
printf '[model.a]\nlayer = %s\n' "$inside" >value.ini
clean "a value of an INI" "$seen" check value.ini
printf 'include = %s\n' "$inside" >include.ini
clean "an included INI" "$seen" check include.ini
printf '[plugins]\nload = %s\n' "$inside" >plugins.ini
clean "a plugin of an INI" "$seen" check plugins.ini
clean "a plugin of an INI" "$seen" check plugins.ini --trust

# Data: columns of a table, tensors of a file.
printf 'a,%s\n1,2\n3,4\n' "$nasty" >table.csv
clean "a table's columns" "table.csv" train "$small" "data.dataset=csv(path=table.csv, inputs=a b, label=c)"
clean "a table's cell" "table.csv" train "$small" "data.dataset=csv(path=table.csv, inputs=a, label=1)"
header="{\"$(printf 'w\302\233m\342\200\256')\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
length=${#header}
{
    printf "\\x$(printf %02x "$length")\\0\\0\\0\\0\\0\\0\\0%s\\0\\0\\0\\0" "$header"
} >names.safetensors
clean "a tensor's name" "\\u009bm\\u202e" eval "$small" data.path=toy --weights names.safetensors

# Plugins by their files, as text and as JSON, which says the same name exactly.
mkdir -p "$nasty/integrator"
cp "$build/hostile-plugins/integrator/harmless.so" "$nasty/integrator/harmless.so"
echo none >"$nasty/integrator/broken.so"
chmod 755 "$nasty" "$nasty/integrator"
clean "plugins" "$shown/integrator/harmless.so" --plugin-path "$nasty" plugins
clean "plugins that are refused" "$shown/integrator/broken.so" --plugin-path "$nasty" plugins
clean "plugins as JSON" "$escaped" --plugin-path "$nasty" plugins --json
clean "a plugin's file" "$shown" --plugin-path "$nasty" inspect integrator harmless
clean "a plugin as JSON" "$escaped" --plugin-path "$nasty" inspect integrator harmless --json
clean "a plugin path" "$shown" --plugin-path "$nasty/gone" plugins
clean "devices" "rank" inspect device auto
clean "the reference" "[run]" inspect --reference

# Files keep names exactly: the manifest, by JSON's escapes.
grep -qF '\u009b1m' "$nasty/run/manifest.json" || fail "the manifest has no escapes"
echo "$n answers"
