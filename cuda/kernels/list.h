/* list.h: all kernels, by family.
 *
 * KERNEL(name, type of its arguments, phases). A kernel of both dtypes stands twice, float64 right
 * behind float32, so that kernel_of (ops/ops.h) finds either. */
#ifndef ODEON_CUDA_KERNELS_LIST_H
#define ODEON_CUDA_KERNELS_LIST_H
#include "loss.h"
#include "moving.h"
#include "norm.h"
#include "optimizers.h"
#include "pairs.h"
#include "pointwise.h"
#include "pool.h"
#include "product.h"
#include "random.h"
#include "solver.h"

#define MOVING_KERNELS(KERNEL)                                                                     \
    KERNEL(fill_f32, fill_args, 1)                                                                 \
    KERNEL(fill_f64, fill_args, 1)                                                                 \
    KERNEL(copy_1, copy_args, 1)                                                                   \
    KERNEL(copy_4, copy_args, 1)                                                                   \
    KERNEL(copy_8, copy_args, 1)                                                                   \
    KERNEL(cast, cast_args, 1)                                                                     \
    KERNEL(gather, gather_args, 1)                                                                 \
    KERNEL(gather_4, gather_args, 1)                                                               \
    KERNEL(gather_8, gather_args, 1)                                                               \
    KERNEL(rows_fill_f32, rows_args, 1)                                                            \
    KERNEL(rows_fill_f64, rows_args, 1)                                                            \
    KERNEL(join_rows_f32, join_rows_args, 1)                                                       \
    KERNEL(join_rows_f64, join_rows_args, 1)                                                       \
    KERNEL(rows_sum_f32, rows_args, 1 + KERNEL_TREE_PHASES)                                        \
    KERNEL(rows_sum_f64, rows_args, 1 + KERNEL_TREE_PHASES)                                        \
    KERNEL(rows_share_f32, rows_args, 1 + KERNEL_TREE_PHASES)                                      \
    KERNEL(rows_share_f64, rows_args, 1 + KERNEL_TREE_PHASES)                                      \
    KERNEL(add_up, add_up_args, 1 + KERNEL_TREE_PHASES)

#define PRODUCT_KERNELS(KERNEL)                                                                    \
    KERNEL(gemm_f32, gemm_args, 1)                                                                 \
    KERNEL(gemm_f64, gemm_args, 1)                                                                 \
    KERNEL(finish_f32, finish_args, 1)                                                             \
    KERNEL(finish_f64, finish_args, 1)                                                             \
    KERNEL(conv_f32, conv_args, 1)                                                                 \
    KERNEL(conv_f64, conv_args, 1)                                                                 \
    KERNEL(conv_vjp_x_f32, conv_args, 1)                                                           \
    KERNEL(conv_vjp_x_f64, conv_args, 1)                                                           \
    KERNEL(conv_vjp_w_f32, conv_args, 1 + KERNEL_TREE_PHASES)                                      \
    KERNEL(conv_vjp_w_f64, conv_args, 1 + KERNEL_TREE_PHASES)

#define NORM_KERNELS(KERNEL)                                                                       \
    KERNEL(channel_sums_f32, channel_args, CHANNEL_PHASES)                                         \
    KERNEL(channel_sums_f64, channel_args, CHANNEL_PHASES)                                         \
    KERNEL(channel_finish_f32, channel_args, 1)                                                    \
    KERNEL(channel_finish_f64, channel_args, 1)                                                    \
    KERNEL(channel_stats_f32, batch_stats_args, STATS_PHASES)                                      \
    KERNEL(channel_stats_f64, batch_stats_args, STATS_PHASES)                                      \
    KERNEL(stats_finish_f32, batch_stats_args, 1)                                                  \
    KERNEL(stats_finish_f64, batch_stats_args, 1)                                                  \
    KERNEL(running_stats_f32, running_stats_args, 1)                                               \
    KERNEL(running_stats_f64, running_stats_args, 1)                                               \
    KERNEL(batch_norm_f32, batch_norm_args, 1)                                                     \
    KERNEL(batch_norm_f64, batch_norm_args, 1)                                                     \
    KERNEL(batch_norm_vjp_f32, batch_norm_vjp_args, 1)                                             \
    KERNEL(batch_norm_vjp_f64, batch_norm_vjp_args, 1)                                             \
    KERNEL(group_norm_f32, group_norm_args, GROUP_PHASES)                                          \
    KERNEL(group_norm_f64, group_norm_args, GROUP_PHASES)                                          \
    KERNEL(group_norm_vjp_f32, group_norm_vjp_args, GROUP_VJP_PHASES)                              \
    KERNEL(group_norm_vjp_f64, group_norm_vjp_args, GROUP_VJP_PHASES)                              \
    KERNEL(softmax_rows_f32, softmax_rows_args, SOFTMAX_ROWS_PHASES)                               \
    KERNEL(softmax_rows_f64, softmax_rows_args, SOFTMAX_ROWS_PHASES)                               \
    KERNEL(softmax_rows_vjp_f32, softmax_rows_vjp_args, 2 + KERNEL_TREE_PHASES)                    \
    KERNEL(softmax_rows_vjp_f64, softmax_rows_vjp_args, 2 + KERNEL_TREE_PHASES)

#define SOLVER_KERNELS(KERNEL)                                                                     \
    KERNEL(slots_write, slots_write_args, 1)                                                       \
    KERNEL(stages, stages_args, 1)                                                                 \
    KERNEL(control_step, control_args, 1)                                                          \
    KERNEL(control_start, control_args, 1)                                                         \
    KERNEL(control_back, back_args, 1)                                                             \
    KERNEL(lincomb_f32, lincomb_args, 2)                                                           \
    KERNEL(lincomb_f64, lincomb_args, 2)                                                           \
    KERNEL(error_sum_f32, error_sum_args, 2 + KERNEL_TREE_PHASES)                                  \
    KERNEL(error_sum_f64, error_sum_args, 2 + KERNEL_TREE_PHASES)                                  \
    KERNEL(error_parts_f32, error_parts_args, 2 + KERNEL_TREE_PHASES)                              \
    KERNEL(error_parts_f64, error_parts_args, 2 + KERNEL_TREE_PHASES)                              \
    KERNEL(judge, judge_args, JUDGE_PHASES)                                                        \
    KERNEL(dot_f32, dot_args, 1 + KERNEL_TREE_PHASES)                                              \
    KERNEL(dot_f64, dot_args, 1 + KERNEL_TREE_PHASES)                                              \
    KERNEL(join, join_args, 1 + KERNEL_TREE_PHASES)

#define PAIRS_KERNELS(KERNEL)                                                                      \
    KERNEL(choose, pairs_args, 1)                                                                  \
    KERNEL(move_row, pairs_args, 1)

#define LOOPS_KERNELS(KERNEL)                                                                      \
    KERNEL(loop_pass, loop_args, 1)                                                                \
    KERNEL(judge_pass, judge_args, JUDGE_PHASES)                                                   \
    KERNEL(back_pass, back_pass_args, 1)

#define POINTWISE_KERNELS(KERNEL)                                                                  \
    KERNEL(unary_f32, unary_args, 1)                                                               \
    KERNEL(unary_f64, unary_args, 1)                                                               \
    KERNEL(unary_vjp_f32, unary_args, 1)                                                           \
    KERNEL(unary_vjp_f64, unary_args, 1)                                                           \
    KERNEL(binary_f32, binary_args, 1)                                                             \
    KERNEL(binary_f64, binary_args, 1)                                                             \
    KERNEL(power_f32, power_args, 1)                                                               \
    KERNEL(power_f64, power_args, 1)

#define OPTIMIZER_KERNELS(KERNEL)                                                                  \
    KERNEL(sgd_f32, sgd_args, 1)                                                                   \
    KERNEL(sgd_f64, sgd_args, 1)                                                                   \
    KERNEL(adam_f32, adam_args, 1)                                                                 \
    KERNEL(adam_f64, adam_args, 1)                                                                 \
    KERNEL(rmsprop_f32, rmsprop_args, 1)                                                           \
    KERNEL(rmsprop_f64, rmsprop_args, 1)

#define POOL_KERNELS(KERNEL)                                                                       \
    KERNEL(pool2d_f32, pool_args, 1)                                                               \
    KERNEL(pool2d_f64, pool_args, 1)                                                               \
    KERNEL(pool2d_mean_f32, pool_args, 1 + KERNEL_TREE_PHASES)                                     \
    KERNEL(pool2d_mean_f64, pool_args, 1 + KERNEL_TREE_PHASES)                                     \
    KERNEL(pool2d_vjp_f32, pool_args, 1)                                                           \
    KERNEL(pool2d_vjp_f64, pool_args, 1)                                                           \
    KERNEL(pool2d_jvp_f32, pool_args, 1)                                                           \
    KERNEL(pool2d_jvp_f64, pool_args, 1)

#define RANDOM_KERNELS(KERNEL)                                                                     \
    KERNEL(dropout_f32, dropout_args, 1)                                                           \
    KERNEL(dropout_f64, dropout_args, 1)                                                           \
    KERNEL(noise_f32, noise_args, 1)                                                               \
    KERNEL(noise_f64, noise_args, 1)                                                               \
    KERNEL(window2d_f32, window_args, 1)                                                           \
    KERNEL(window2d_f64, window_args, 1)                                                           \
    KERNEL(window2d_vjp_f32, window_args, 1)                                                       \
    KERNEL(window2d_vjp_f64, window_args, 1)

#define LOSS_KERNELS(KERNEL)                                                                       \
    KERNEL(softmax_f32, softmax_args, SOFTMAX_PHASES)                                              \
    KERNEL(softmax_f64, softmax_args, SOFTMAX_PHASES)                                              \
    KERNEL(weighed_softmax_f32, weighed_args, SOFTMAX_PHASES)                                      \
    KERNEL(weighed_softmax_f64, weighed_args, SOFTMAX_PHASES)                                      \
    KERNEL(difference_loss_f32, difference_args, LOSS_PHASES)                                      \
    KERNEL(difference_loss_f64, difference_args, LOSS_PHASES)                                      \
    KERNEL(loss_finish, loss_sums, LOSS_PHASES)

#define ALL_KERNELS(KERNEL)                                                                        \
    MOVING_KERNELS(KERNEL)                                                                         \
    PAIRS_KERNELS(KERNEL)                                                                          \
    PRODUCT_KERNELS(KERNEL)                                                                        \
    NORM_KERNELS(KERNEL)                                                                           \
    POOL_KERNELS(KERNEL)                                                                           \
    RANDOM_KERNELS(KERNEL)                                                                         \
    LOOPS_KERNELS(KERNEL)                                                                          \
    LOSS_KERNELS(KERNEL) SOLVER_KERNELS(KERNEL) POINTWISE_KERNELS(KERNEL) OPTIMIZER_KERNELS(KERNEL)

#define KERNEL_ID_(name, arguments, phases) KERNEL_##name,
enum { ALL_KERNELS(KERNEL_ID_) KERNEL_COUNT };
#undef KERNEL_ID_

#endif
