#!/usr/bin/env bash
# conf/mnist_odenet_groupnorm.ini on the first 1024 images of Fashion-MNIST, which stand in for
# MNIST: the model is the one described, and 128 steps bring the loss down.
. "$1/tests/support/cli.sh"
conf=$source/conf/mnist_odenet_groupnorm.ini
fashion="data.dataset=idx(path=/usr/share/datasets/fashion-mnist)"

expect 0 "10,564" check "$conf"
has out "data.pixels      normalize  1x28x28"
has out "  ode.again      groupnorm  6x26x26  those of ode.norm"
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is missing" && exit 1; }
expect 3 "data/mnist" train "$conf" "data.path=$work/data/mnist" run.out=nowhere
expect 0 "results in $work/here" train "$conf" "$fashion" run.out=here run.epochs=2 data.limit=1024 \
    data.test_limit=256 run.log_every=16
has out "evaluations at the first step 14 forward 14 backward"
has here/effective.ini "[data.pixels]"
accuracy=$(sed -n 's/^test accuracy //p' out)
# Ten classes: 0.1 is chance; seeds 1 to 5 reach 0.75 to 0.81.
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.6) }' || fail "accuracy $accuracy after two epochs"
