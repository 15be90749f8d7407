#!/usr/bin/env bash
# The CUDA device where it is built: listed and described anywhere; without a driver or a GPU it
# says so in one line, and nothing runs elsewhere instead.
. "$1/tests/support/cli.sh"
if [ ! -e "$build/plugins/device/cuda.so" ]; then
    cat "$build/not_covered"
    exit 0
fi
expect 0 "NVIDIA GPU, one stream a worker" plugins --load
expect 0 "choice of ieee32, tf32" inspect device cuda
has out "whole number, 0 to 1023"
[ "$("$odeon" inspect device cuda --exists; echo $?)" = 0 ] || fail "cuda does not exist"

# No driver shows this GPU, and no machine has one of this number.
toy 64 10
expect 7 "device: cuda: " train "$ini/small.ini" "data.path=$work/toy" run.out=run \
    'run.device=cuda(card=1023)'
grep -qE 'no device|card = 1023' err || fail "the error names neither driver nor GPU"
[ ! -e run/metrics.csv ] || fail "something ran on another device"
expect 2 "math = tf16: allowed: ieee32, tf32" check "$ini/small.ini" "data.path=$work/toy" \
    'run.device=cuda(math=tf16)'
