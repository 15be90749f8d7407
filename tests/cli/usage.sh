#!/usr/bin/env bash
# What the program says before it reads any INI.
. "$1/tests/support/cli.sh"

expect 0 "odeon 0.1.0 (plugin ABI 1.1)" --version
expect 0 "odeon train    INI [path.key=value ...]" --help
expect 0 "Exit codes: 0 done" help
expect 0 "--steps FILE" help grad
expect 0 "Ctrl-C, SIGTERM and a lost connection stop after the batch" train --help
[ ! -s err ] || fail "help writes to stderr"

expect 2 "no command given"
expect 2 "unknown command 'trian', did you mean 'train'?" trian
expect 2 "unknown command 'xyzzy' (odeon --help lists them)" xyzzy
expect 2 "unknown command 'chekc', did you mean 'check'?" help chekc
expect 2 "unknown option '--bogus'" train x.ini --bogus
expect 2 "unknown option '-q'" -q
expect 2 "option '--weights' needs a value" eval x.ini --weights
expect 2 "'check' takes no option --weights" check x.ini --weights w
expect 2 "usage: odeon train INI" train
expect 2 "usage: odeon plugins" plugins one
expect 2 "--batch FILE and --out FILE must be given" grad "$ini/small.ini"
expect 2 "no weights given; use --weights FILE" eval "$ini/small.ini"

# A full disk shows when the output is flushed.
answer=0
"$odeon" --help >/dev/full 2>err || answer=$?
[ "$answer" -eq 5 ] || fail "--help to a full disk: exit code $answer, expected 5"
has err "odeon: error: standard output could not be written: No space left on device"

# A reader that has gone is no reason to die of a signal.
set +o pipefail
{ answer=0; "$odeon" --help 2>err || answer=$?; echo "$answer" >code; } | true
[ "$(cat code)" -eq 0 ] || [ "$(cat code)" -eq 5 ] || fail "closed pipe: exit code $(cat code)"
