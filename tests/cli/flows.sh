#!/usr/bin/env bash
# The trajectories that conf/spiral.ini and conf/spheres_node.ini speak of, as their comments ask for
# them, of runs that are short.
. "$1/tests/support/cli.sh"
cp "$source"/conf/*.ini .

# command INI N TEXT: command number N of an INI's comments, "odeon solve ..." in two lines, which has
# TEXT in it.
command() {
    local text
    text=$(sed -n 's/^; *//p' "$1" | grep -A1 '^odeon solve' | grep -v '^--$' | paste -d ' ' - - |
        sed -n "$2p")
    case $text in *"$3"*) ;; *) fail "$1: command $2 lacks '$3': $text" ;; esac
    (eval "${text/#odeon/\"\$odeon\"}" >out 2>err </dev/null) || fail "$1: does not run: $text"
}

sed -i 's#conf/##; s#--weights runs/#--weights run/#' spiral.ini spheres_node.ini
for name in spiral spheres_node; do
    expect 0 "results in" train "$name.ini" run.iterations=5 run.out="$work/run/$name/1"
done

# One trajectory from (2, 0) at 1000 times of 25, and one of twice as long that starts as it does.
command spiral.ini 1 after.csv
command spiral.ini 2 beyond.csv
[ "$(wc -l <after.csv)" -eq 1001 ] || fail "after.csv has other times"
[ "$(sed -n 2p after.csv)" = 0,0,2,0 ] || fail "after.csv starts elsewhere"
[ "$(tail -n 1 after.csv | cut -d, -f2)" = 25 ] || fail "after.csv ends elsewhere"
[ "$(wc -l <beyond.csv)" -eq 2001 ] || fail "beyond.csv has other times"

# Eleven states of each of 400 points, the first of which are the points.
command spheres_node.ini 1 flow.csv
[ "$(wc -l <flow.csv)" -eq $((11 * 400 + 1)) ] || fail "flow.csv has other states"
awk -F, 'NR > 1 && $2 == 0 { r = sqrt($3 * $3 + $4 * $4); n++
        if (!(r < 0.5 + 1e-6 || (r > 1 - 1e-6 && r < 1.5 + 1e-6))) bad++ }
    END { exit !(n == 400 && bad == 0) }' flow.csv || fail "flow.csv does not start at the points"
echo ok
