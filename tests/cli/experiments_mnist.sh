#!/usr/bin/env bash
# The rows of tests/golden/TABLE with MNIST, as experiments.sh has the others.
. "$1/tests/support/cli.sh"
. "$source/tests/support/experiments.sh"
check_rows '^mnist_'
[ "$failures" -eq 0 ] || exit 1
