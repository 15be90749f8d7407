#!/usr/bin/env bash
# Solves that the host side of the device cuda records, with and without loops, libraries' calls
# among them: the losses of calls one by one, to the last digit, by fewer launches.
. "$1/tests/support/cli.sh"
if [ ! -e "$build/test-plugins/device/mocked.so" ]; then
    cat "$build/not_covered"
    exit 0
fi
toy 32 16
cat >images.ini <<END
[data]
dataset = idx(path=$work/toy)
batch = 16
test_batch = 16
[model.down]
layer = conv2d(filters=2, kernel=4, stride=4)
then = batchnorm, relu
[model.ode]
layer = ode(span=0 1, rtol=1e-3, atol=1e-3)
[model.ode.field]
layer = groupnorm(groups=2)
then = tanh, conv2d(filters=2, kernel=3, padding=1)
[model.head]
layer = globalavgpool
then = dense(units=classes)
[train]
loss = cross_entropy
optimizer = sgd(lr=0.1, momentum=0.9)
END

# column NAME FILE: of the rows of training.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["split"] == "train" { print $at[name] }' "$2"
}

# run DEVICE FOLDER OVERRIDES...
run() {
    local device=$1 folder=$2
    shift 2
    expect 0 "results in" --plugin-path "$build/test-plugins" train images.ini "run.device=$device" \
        "run.out=$folder" run.epochs=3 run.log_every=1 "$@"
}

# same OVERRIDES...
same() {
    local device plain recorded
    run mocked plain run.capture=no "$@"
    plain=$(column nlaunch plain/metrics.csv | tail -n 1)
    for device in mocked 'mocked(loops=no)'; do
        run "$device" recorded "$@"
        diff <(column loss plain/metrics.csv) <(column loss recorded/metrics.csv) >difference ||
            fail "$device $*: $(head -n 4 difference)"
        recorded=$(column nlaunch recorded/metrics.csv | tail -n 1)
        [ $((recorded * 2)) -lt "$plain" ] || fail "$device $*: $recorded launches, $plain before"
        rm -r recorded
    done
    rm -r plain
}
same model.ode.integrator=rk4 model.ode.steps=2 model.ode.gradient=direct
same model.ode.integrator=dopri5 model.ode.gradient=direct
same model.ode.integrator=bosh3 model.ode.gradient=adjoint

fixed=(model.ode.integrator=rk4 model.ode.steps=2 model.ode.gradient=direct)
# A graph that the driver refuses makes a run slower, not different, and is no secret.
run mocked plain run.capture=no "${fixed[@]}"
run mocked eager "${fixed[@]}"
! grep -q warning err || fail "a run that is recorded warns: $(cat err)"
rm -r eager
export ODEON_MOCKED_NO_GRAPH=1 ODEON_GRAPH_DOT=$work/refused.dot
run mocked eager "${fixed[@]}"
unset ODEON_MOCKED_NO_GRAPH ODEON_GRAPH_DOT
has err "warning: solves cannot be recorded on the device, so their calls are made one by one, which \
is slower: "
has err "a node's operation is not supported there; the node is a kernel, "
[ "$(grep -c 'cannot be recorded' err)" = 1 ] || fail "the warning comes more than once"
has refused.dot digraph
diff <(column loss plain/metrics.csv) <(column loss eager/metrics.csv) >difference ||
    fail "without a graph: $(head -n 4 difference)"
