#!/usr/bin/env bash
# Data sets that are tables: classes, numbers to learn, observations at many times with gaps.
. "$1/tests/support/cli.sh"
conf=$source/conf

# last COLUMN: of the last row of run/metrics.csv.
last() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
        END { print $c }' run/metrics.csv
}
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

# Classes: iris is learned by far better than chance, and a run's weights evaluate alike.
expect 0 "results in" train "$conf/iris_anode_time.ini" run.out="$work/run" train.lr=1e-2
accuracy=$(last accuracy)
below 0.8 "$accuracy" || fail "accuracy $accuracy on iris"
expect 0 "test accuracy $(printf %.4f "$accuracy")" eval "$conf/iris_anode_time.ini" \
    --weights run/weights.safetensors train.lr=1e-2
rm -rf run

# Numbers: y = 2 a - b, z = a + 1 by one linear layer, from a table of another dialect.
awk 'BEGIN { print "name;y;a;z;b"; for (i = 0; i < 100; i++) { a = i % 10 / 10; b = int(i / 10) / 10
    printf "\"row; %d\";%g;%g;%g;%g\r\n\r\n", i, 2 * a - b, a, a + 1, b } }' >plane.csv
cat >plane.ini <<'END'
[run]
epochs = 100
[data]
dataset   = csv(path=plane.csv, inputs=a b, label=y z, test_fraction=0.3)
separator = semicolon
batch     = 10
[model.line]
layer = dense(units=2)
[train]
loss      = mse
optimizer = adam(lr=3e-2)
END
expect 0 "results in" train plane.ini run.out="$work/run"
below "$(last loss)" 1e-6 || fail "loss $(last loss) of a plane"
expect 2 "2 columns, but a class is one" train plane.ini data.classes=3 run.out="$work/no"
rm -rf run

# Observations with a gap: refused, or masked.
awk 'BEGIN { print "t,a,b"; for (i = 0; i < 60; i++) printf "%g,%s,%.6f\n", i / 10,
    i % 7 == 3 ? "" : sprintf("%.6f", cos(i / 10)), sin(i / 10) }' >gaps.csv
spiral=("$conf/spiral.ini" run.iterations=5 run.log_every=1)
series() { echo "data.dataset=trajectories(source=csv(path=$1), values=a b, window=4$2)"; }
expect 3 "gaps.csv:5: column 'a': empty" train "${spiral[@]}" "$(series gaps.csv '')" \
    run.out="$work/no"
expect 0 "results in" train "${spiral[@]}" "$(series gaps.csv ', missing=mask')" run.out="$work/run"
rm -rf run

# Times that differ from window to window: one window a batch.
awk 'BEGIN { print "t,a,b"; for (i = 1; i < 40; i++) { t += 0.1 + i / 1000
    printf "%g,%.6f,%.6f\n", t, cos(t), sin(t) } }' >uneven.csv
expect 3 "other times than the first" train "${spiral[@]}" "$(series uneven.csv '')" run.out="$work/no"
expect 0 "results in" train "${spiral[@]}" "$(series uneven.csv '')" data.batch=1 run.workers=2 \
    run.out="$work/run"
# Or each window solved by itself.
expect 0 "results in" train "${spiral[@]}" "$(series uneven.csv '')" model.ode.step=sample \
    run.workers=2 run.out="$work/own"
echo ok
