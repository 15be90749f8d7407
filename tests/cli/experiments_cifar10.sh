#!/usr/bin/env bash
# The rows of tests/golden/TABLE with CIFAR-10, as experiments.sh has the others.
. "$1/tests/support/cli.sh"
. "$source/tests/support/experiments.sh"
check_rows '^cifar10_'
[ "$failures" -eq 0 ] || exit 1
