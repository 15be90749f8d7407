# Sourced by the tests of the command line, which are called with SOURCE BUILD. Gives them $source,
# $odeon (the program), $work (an empty folder, removed at the end, the working directory) and the
# functions below. A test fails where a claim does, and says which.
set -euo pipefail
source=$1
build=$2
odeon=$build/odeon
ini=$source/tests/cli/ini
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_DATA_HOME=$work/share # no plugins of whoever runs the tests
unset ODEON_PLUGIN_PATH

fail() {
    echo "FAILED: $*" >&2
    [ ! -e out ] || sed 's/^/  stdout: /' out >&2
    [ ! -e err ] || sed 's/^/  stderr: /' err >&2
    exit 1
}

# contents FILE: sets text to what it holds, up to a byte 0, without another process.
contents() {
    IFS= read -r -d '' text <"$1" || true
}

# expect CODE TEXT ARGUMENTS...: `odeon ARGUMENTS` exits with CODE; TEXT is part of its stdout if
# CODE is 0, else of the error, which is the last line and the only error on stderr.
expect() {
    local code=$1 wanted=$2 answer=0 text last
    shift 2
    "$odeon" "$@" >out 2>err </dev/null || answer=$?
    [ "$answer" -eq "$code" ] || fail "odeon $*: exit code $answer, expected $code"
    if [ "$code" -eq 0 ]; then
        has out "$wanted"
        return
    fi
    contents err
    last=${text%$'\n'}
    last=${last##*$'\n'}
    [[ $last == "odeon: error: "* ]] || fail "odeon $*: no error as the last line"
    text=$'\n'${text%"$last"*}
    [[ $text != *$'\n'"odeon: error: "* ]] || fail "odeon $*: more than one error"
    [[ $last == *"$wanted"* ]] || fail "odeon $*: no '$wanted' in the error"
}

# has FILE TEXT: FILE exists and TEXT is part of it.
has() {
    local text
    [ -e "$1" ] || fail "$1 is missing"
    contents "$1"
    [[ -n $text && $text == *"$2"* ]] || fail "no '$2' in $1"
}

# toy [TRAIN TEST]: a data set of ten classes in toy/, by default of 256 and 64 images.
toy() {
    bash "$source/tests/support/make_idx.sh" toy "${1:-256}" "${2:-64}"
}

# A python3 with modules of its library that a test needs; a minimal one has neither json nor csv.
has_python() { # MODULE...
    command -v python3 >/dev/null && python3 -c "import $(sed 's/ /, /g' <<<"$*")" 2>/dev/null
}
