/* operators.h: the operators; device.h has their contracts. All of kernels of our own; the device
 * `cuda` takes products and convolutions from libraries where it may. */
#ifndef ODEON_CUDA_OPERATORS_H
#define ODEON_CUDA_OPERATORS_H
#include "odeon/device.h"

/* moving.c */
odeon_status ops_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y);
odeon_status ops_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                      const odeon_tensor *y);
odeon_status ops_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                        double scale, double shift, const odeon_tensor *y);
odeon_status ops_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                      const double *slots);
odeon_status ops_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                        int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                        int64_t y_at);
odeon_status ops_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status ops_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                          int64_t pitch, int64_t at, const odeon_tensor *v);

/* solver.c */
odeon_status ops_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                             const double *values);
odeon_status ops_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots);
odeon_status ops_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                         int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                         const double *slots);
odeon_status ops_error_sum(odeon_queue *queue, const odeon_control *control, const odeon_tensor *y0,
                           const odeon_tensor *y1, int32_t n, const odeon_tensor *const *x,
                           const odeon_scalar *coefficient, double *slots, int32_t slot);
odeon_status ops_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                     double *slots, int32_t slot);
odeon_status ops_step_control(odeon_queue *queue, const odeon_control *control, double *slots);
odeon_status ops_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                            double *slots);
odeon_status ops_step_back(odeon_queue *queue, double *slots);

/* pairs.c */
odeon_status ops_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                        const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status ops_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                           const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status ops_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                          const odeon_tensor *const *x, const double *slots, int32_t slot);

/* pointwise.c */
odeon_status ops_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                       const odeon_tensor *y);
odeon_status ops_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                           const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status ops_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                        const odeon_tensor *b, const odeon_tensor *y);
odeon_status ops_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                       const odeon_tensor *y);

/* products.c */
odeon_status ops_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                      const odeon_tensor *a, const odeon_tensor *b, double beta,
                      const odeon_tensor *c, const odeon_epilogue *epilogue);

/* conv.c */
uint64_t ops_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w);
odeon_status ops_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *w, const odeon_epilogue *epilogue,
                        const odeon_tensor *y, void *scratch);
odeon_status ops_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *w, const odeon_tensor *dy, const odeon_tensor *dx,
                              void *scratch);
odeon_status ops_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dw,
                              void *scratch);

/* pool.c */
odeon_status ops_pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *y);
odeon_status ops_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *dy, const odeon_tensor *dx);

/* norm.c */
odeon_status ops_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias);
odeon_status ops_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                            const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                            const odeon_tensor *y, const odeon_tensor *stats);
odeon_status ops_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                const odeon_tensor *w, const odeon_tensor *stats,
                                const odeon_tensor *dy, const odeon_tensor *dx,
                                const odeon_tensor *dw, const odeon_tensor *db);
odeon_status ops_channel_moment(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *mean,
                                const odeon_tensor *out);
odeon_status ops_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                            const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                            const odeon_tensor *y);
odeon_status ops_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                     const odeon_tensor *stats, const odeon_tensor *dy,
                                     const odeon_tensor *sums);
odeon_status ops_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                const odeon_tensor *stats, const odeon_tensor *dy,
                                const odeon_tensor *sums, double count, const odeon_tensor *dx);

/* random.c */
odeon_status ops_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                         const odeon_tensor *x, const odeon_tensor *y);
odeon_status ops_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                          int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
odeon_status ops_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                              int64_t first_sample, const odeon_tensor *dy, const odeon_tensor *dx);

/* loss.c */
odeon_status ops_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                       const odeon_tensor *labels, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status ops_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                 const odeon_tensor *x, const odeon_tensor *target,
                                 const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                 const odeon_tensor *dx);

/* optimizers.c */
odeon_status ops_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                          const odeon_tensor *v, double lr, double momentum, double decay,
                          int32_t nesterov, int32_t first);
odeon_status ops_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *m, const odeon_tensor *v,
                           const odeon_adam *constants);
odeon_status ops_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *v, const odeon_tensor *mean,
                              const odeon_tensor *buffer, const odeon_rmsprop *constants);

/* These operators in their slots of odeon_device_ops: all but products of matrices and
 * convolutions, which a device may have from a library. */
#define OPS_SLOTS                                                                                  \
    .copy = ops_copy, .cast = ops_cast, .gather = ops_gather, .fill = ops_fill,                    \
    .copy2d = ops_copy2d, .rows_fill = ops_rows_fill, .rows_sum = ops_rows_sum,                    \
    .slots_write = ops_slots_write, .stage_times = ops_stage_times, .lincomb = ops_lincomb,        \
    .error_sum = ops_error_sum, .dot = ops_dot, .step_control = ops_step_control,                  \
    .step_start = ops_step_start, .select = ops_select, .row_store = ops_row_store,                \
    .row_load = ops_row_load, .step_back = ops_step_back, .unary = ops_unary,                      \
    .unary_vjp = ops_unary_vjp, .binary = ops_binary, .power = ops_power,                          \
    .channel_sum = ops_channel_sum, .pool2d = ops_pool2d, .pool2d_vjp = ops_pool2d_vjp,            \
    .group_norm = ops_group_norm, .group_norm_vjp = ops_group_norm_vjp,                            \
    .channel_moment = ops_channel_moment, .batch_norm = ops_batch_norm,                            \
    .batch_norm_vjp_sums = ops_batch_norm_vjp_sums, .batch_norm_vjp = ops_batch_norm_vjp,          \
    .dropout = ops_dropout, .window2d = ops_window2d, .window2d_vjp = ops_window2d_vjp,            \
    .softmax_cross_entropy = ops_softmax_cross_entropy, .difference_loss = ops_difference_loss,    \
    .sgd_step = ops_sgd_step, .adam_step = ops_adam_step, .rmsprop_step = ops_rmsprop_step

#endif
