/* body.h: all kernels of one dtype and their table. The including source defines the type real and
 * the names of the table CPU_KERNELS, the product CPU_GEMM and the convolutions CPU_DIRECT; f32.c
 * and f64.c include it. */
#ifndef ODEON_CPU_BODY_H
#define ODEON_CPU_BODY_H
#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <tgmath.h>

#include "../direct.h"
#include "elementary.h"
#include "lanes.h"
#include "loss_optim.h"
#include "pointwise.h"
#include "pool.h"
#include "random.h"
#include "run_sums.h"
#include "solver.h"
#include "windows.h"

#include "norm.h"

#include "batch_norm.h"

#include "softmax.h"

const cpu_kernels CPU_KERNELS = {
    .direct = &CPU_DIRECT,
    .lincomb = lincomb,
    .error_sum = error_sum,
    .dot = dot,
    .sum = total,
    .fill = fill,
    .unary = unary,
    .unary_vjp = unary_vjp,
    .unary_vjp_columns = unary_vjp_columns,
    .binary = binary,
    .power = power,
    .bias_columns = bias_columns,
    .bias_rows = bias_rows,
    .gemm = CPU_GEMM,
    .im2col = im2col,
    .time_rows = time_rows,
    .col2im = col2im,
    .average = average,
    .average_vjp = average_vjp,
    .largest = largest,
    .largest_vjp = largest_vjp,
    .largest_jvp = largest_jvp,
    .channel_sum = channel_sum,
    .group_norm = group_norm,
    .group_norm_vjp = group_norm_vjp,
    .channel_moment = channel_moment,
    .channel_moments = channel_moments,
    .batch_norm = batch_norm,
    .batch_norm_vjp_sums = batch_norm_vjp_sums,
    .batch_norm_vjp = batch_norm_vjp,
    .softmax = softmax,
    .softmax_vjp = softmax_vjp,
    .dropout = dropout,
    .crop = crop,
    .crop_vjp = crop_vjp,
    .softmax_cross_entropy = softmax_cross_entropy,
    .weighed_cross_entropy = weighed_cross_entropy,
    .difference = difference,
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
};

#endif
