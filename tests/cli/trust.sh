#!/usr/bin/env bash
# Whose plugins are loaded: those of root and of the user alone, by whatever way they are named, and
# none that an INI of somebody else brings along while it is only checked. A plugin that is loaded
# leaves the file `mark`.
. "$1/tests/support/cli.sh"
umask 022
export ODEON_TEST_MARK=$work/mark
plugin=$build/hostile-plugins/integrator/leaves_mark.so
chmod 755 .

# A folder $1 of plugins that may be used.
fresh() {
    rm -rf "$1"
    mkdir -p "$1/integrator"
    cp "$plugin" "$1/integrator/"
}

# loads YES-OR-NO WHAT ARGUMENTS...: does `odeon ARGUMENTS` run the plugin's code?
loads() {
    local wanted=$1 what=$2 answer=0 ran=no
    shift 2
    rm -f mark
    "${as[@]}" "$odeon" "$@" >out 2>err </dev/null || answer=$?
    [ ! -e mark ] || ran=yes
    [ "$ran" = "$wanted" ] || fail "$what: odeon $*: loaded: $ran, wanted: $wanted"
    [ "$wanted" = yes ] || [ "$1" = plugins ] || [ "$answer" -ne 0 ] || fail "$what: odeon $*: exit code 0"
}
as=(env)

# everywhere YES-OR-NO WHAT: by each of the four ways to the plugin in p.
everywhere() {
    local component="inspect integrator leaves_mark" run
    # shellcheck disable=SC2086
    loads "$1" "$2, --plugin-path" --plugin-path p $component
    loads "$1" "$2, --plugin-path" --plugin-path p inspect integrator leaves_mark --exists
    loads "$1" "$2, plugins" plugins --load --plugin-path p
    loads "$1" "$2, check" check "$ini/small.ini" --plugin-path p model.ode.integrator=leaves_mark
    as=(env ODEON_PLUGIN_PATH="$work/p")
    # shellcheck disable=SC2086
    loads "$1" "$2, variable" $component
    mkdir -p share/odeon
    rm -f share/odeon/plugins
    ln -s "$work/p" share/odeon/plugins
    as=(env XDG_DATA_HOME="$work/share")
    # shellcheck disable=SC2086
    loads "$1" "$2, the user's folder" $component
    as=(env)
    rm -f share/odeon/plugins
    for run in check train; do # (a run ends where its data are missing, after plugins are loaded)
        rm -f mark
        "$odeon" $run "$ini/small.ini" data.path=absent plugins.load=p/integrator/leaves_mark.so \
            >out 2>err || true
        [ "$([ -e mark ] && echo yes || echo no)" = "$1" ] || fail "$2, plugins.load, $run"
    done
}

fresh p
everywhere yes "an honest plugin"
chmod 777 p/integrator
everywhere no "a folder that all may write to"
chmod 1777 p/integrator
everywhere no "a sticky folder"
fresh p
chmod 666 p/integrator/leaves_mark.so
everywhere no "a file that all may write to"

# Links: what they lead to counts, and where they stand.
fresh q
rm -rf p
mkdir -p p/integrator
ln -s "$work/q/integrator/leaves_mark.so" p/integrator/leaves_mark.so
everywhere yes "a link to an honest plugin"
chmod 777 q
everywhere no "a link into a folder that all may write to"
chmod 755 q
chmod 777 p/integrator
everywhere no "a link in a folder that all may write to"
rm -rf p

# In a sticky folder others can replace nothing, so that it may stand above a plugin's folders; they
# can add to it, so that it may not be one of them.
mkdir -m 1777 public
fresh public/p
loads yes "below a sticky folder" --plugin-path public/p inspect integrator leaves_mark
fresh p
chmod 1777 p
loads no "a sticky folder as --plugin-path" --plugin-path p inspect integrator leaves_mark
chmod 755 p

# ---- other users ----

if [ "$(id -u)" -eq 0 ]; then
    mallory=12345
    for place in p/integrator/leaves_mark.so p/integrator p; do
        fresh p
        chown $mallory "$place"
        everywhere no "$place of another user"
    done
    fresh p
    chown 0:$mallory p/integrator
    chmod 775 p/integrator
    everywhere no "a folder that another group may write to"

    # Who owns a folder above may rename what stands in it.
    mkdir theirs
    fresh theirs/p
    chown $mallory theirs
    loads no "the owner may rename" --plugin-path theirs/p inspect integrator leaves_mark
    chmod 1777 theirs
    loads no "the owner may rename, sticky" --plugin-path theirs/p inspect integrator leaves_mark
    has err "its folder $work/theirs belongs to another user (number $mallory)"

    # In a sticky folder somebody else has put what was not there.
    mkdir -p public/integrator
    cp "$plugin" public/integrator/
    chown -R $mallory public/integrator
    as=(env ODEON_PLUGIN_PATH="$work/public")
    loads no "added to a sticky folder" inspect integrator leaves_mark
    loads no "added to a sticky folder" plugins
    as=(env)

    # A user who is not root, if the program is within their reach.
    victim=(setpriv --reuid=23456 --regid=23456 --clear-groups)
    if command -v setpriv >/dev/null && "${victim[@]}" "$odeon" --version >/dev/null 2>&1; then
        mkdir -m 777 marks
        export ODEON_TEST_MARK=$work/marks/mark
        loads_as_victim() { # YES-OR-NO WHAT ARGUMENTS...
            local wanted=$1 what=$2 ran=no
            shift 2
            rm -f marks/mark
            "${victim[@]}" "$odeon" "$@" >out 2>err </dev/null || true
            [ ! -e marks/mark ] || ran=yes
            [ "$ran" = "$wanted" ] || fail "another user, $what: loaded: $ran, wanted: $wanted"
        }
        try() { loads_as_victim "$1" "$2" --plugin-path p inspect integrator leaves_mark; }
        fresh p
        try yes "root's plugin"
        chown -R 23456:23456 p
        try yes "a plugin of their own"
        chmod -R g+w p
        try yes "a plugin that their own group may write to"
        chgrp $mallory p/integrator
        try no "a folder that another group may write to"
        chgrp 23456 p/integrator
        chown $mallory p
        try no "a folder of a third user"
        ODEON_PLUGIN_PATH=$work/public loads_as_victim no "a shared folder" plugins
    else
        echo "not covered: another user who runs the program (no setpriv, or out of their reach)"
    fi
    export ODEON_TEST_MARK=$work/mark
else
    echo "not covered: plugins of other users (not root)"
fi

# ---- an INI that brings code along ----

fresh p
{
    cat "$ini/small.ini"
    printf '[plugins]\nload = p/integrator/leaves_mark.so\n'
} >stranger.ini
loads no "check" check stranger.ini
expect 2 "stranger.ini:30: [plugins] load = $work/p/integrator/leaves_mark.so: code that an INI brings along" \
    check stranger.ini
printf 'include = stranger.ini\n' >includes.ini
loads no "check of an INI that includes it" check includes.ini
loads yes "check --trust" check stranger.ini --trust
has out "stranger.ini: ok"
loads yes "check of what the command line names" check stranger.ini \
    plugins.load=p/integrator/leaves_mark.so
chmod 777 p
loads no "check --trust, a folder that all may write to" check stranger.ini --trust
chmod 755 p
expect 2 "'train' takes no option --trust" train stranger.ini --trust
toy 32 16
rm -f mark
expect 0 "results in" train stranger.ini run.iterations=1 run.out=r data.batch=16
[ -e mark ] || fail "train leaves out what the INI loads"
