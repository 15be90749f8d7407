#!/usr/bin/env bash
# conf/results.sh runs what is missing, goes on with what was cut short, and writes what came out.
. "$1/tests/support/cli.sh"

results() {
    sh "$source/conf/results.sh" --odeon "$odeon" --runs runs --out results.md --mnist nowhere \
        --cifar10 nowhere "$@" >out 2>err || answer=$?
}

# The cells of a system's row.
row() {
    grep "^| $1 |" results.md | sed 's/^| //; s/ *|$//; s/ *| */|/g'
}

# A short run, then the rest of it, then no run at all.
answer=0
results --epochs 2 iris_anode_time/main-1
[ "$answer" -eq 0 ] || fail "results.sh ends with $answer"
has out "iris_anode_time/main-1"
[ "$(row iris_anode_time | cut -d'|' -f7)" = "2 of 20" ] || fail "not two epochs: $(row iris_anode_time)"
results --epochs 3 iris_anode_time/main-1
[ "$(row iris_anode_time | cut -d'|' -f7)" = "3 of 20" ] || fail "not three epochs: $(row iris_anode_time)"
[ "$(grep -c ',test,' runs/iris_anode_time/main-1/metrics.csv)" -eq 3 ] || fail "it began again"
results iris_anode_time/main-1
[ ! -s out ] || fail "a finished run was run again"

# The accuracy is the run's; the curve has its epochs.
accuracy=$(awk -F, '$4 == "test" { a = $6 } END { printf "%.4f", a }' runs/iris_anode_time/main-1/metrics.csv)
[ "$(row iris_anode_time | cut -d'|' -f3)" = "$accuracy" ] || fail "not $accuracy: $(row iris_anode_time)"
grep -q '^| 3 | [0-9.]* |$' results.md || fail "no curve of three epochs"
! grep -q "$work" results.md || fail "the file names folders of this machine"

# Rows that were not run say so; data that is not there is told, and the rest is done.
[ "$(row mnist_rknet_rk4 | cut -d'|' -f3)" = "not run" ] || fail "$(row mnist_rknet_rk4)"
answer=0
results mnist_rknet_rk4
[ "$answer" -eq 1 ] || fail "missing data: exit code $answer"
has err "mnist_rknet_rk4.ini: no data in $work/nowhere; conf/get_data.sh gets it"

# Every run of the list is one that checks.
results --list
grep -q '^mnist_odenet_groupnorm/residual-1 conf/mnist_odenet_groupnorm.ini model.ode.layer=residual$' out ||
    fail "--list: $(cat out)"
while read -r name file words; do
    eval "set -- $words"
    "$odeon" check "$source/$file" "$@" >check 2>&1 </dev/null || fail "$name: $(tail -n 1 check)"
done <out
