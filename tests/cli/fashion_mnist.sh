#!/usr/bin/env bash
# The INI of the README on the first 512 images of Fashion-MNIST: the model is the one described,
# and eight steps a pass over them bring the loss down.
. "$1/tests/support/cli.sh"
fashion=$source/conf/fashion_mnist_conv_node.ini

expect 0 "87,532" check "$fashion"
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is missing" && exit 1; }
expect 0 "results in $work/here" train "$fashion" run.out=here run.epochs=2 data.batch=64 \
    data.limit=512 data.test_limit=256 run.log_every=1
accuracy=$(sed -n 's/^test accuracy //p' out)
# Ten classes: 0.1 is chance; seeds 1 to 6 reach 0.69 to 0.76.
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.5) }' || fail "accuracy $accuracy after two epochs"
