/* calls.h: every operator as a call that holds its arguments, for streams.
 *
 * Each operator comes as two functions: one copies the arguments into a structure of its own and
 * launches it, the other gives them to the device behind. More terms or numbers than an operator
 * may be given are not copied; the device behind refuses their count. */
#ifndef ODEON_REMOTE_CALLS_H
#define ODEON_REMOTE_CALLS_H
#include "stream.h"

/* A tensor that may be left out. */
typedef struct call_optional {
    odeon_tensor tensor;
    int32_t given;
} call_optional;

call_optional call_optional_of(const odeon_tensor *x);
const odeon_tensor *call_given(const call_optional *x); /* NULL: left out */

typedef struct call_terms {
    odeon_tensor tensor[ODEON_MAX_STAGES];
    odeon_scalar coefficient[ODEON_MAX_STAGES];
} call_terms;

void call_terms_of(int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                   call_terms *out);
void call_point(const call_terms *terms, const odeon_tensor **pointers); /* [ODEON_MAX_STAGES] */

void call_numbers_of(int32_t n, int32_t most, const double *from, double *to);

typedef struct call_epilogue {
    call_optional bias;
    int32_t act, given;
} call_epilogue;

call_epilogue call_epilogue_of(const odeon_epilogue *epilogue);
/* NULL where none was given, else *storage. */
const odeon_epilogue *call_ending(const call_epilogue *epilogue, odeon_epilogue *storage);

odeon_status call_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y);
odeon_status call_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                       const odeon_tensor *y);
odeon_status call_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                         double scale, double shift, const odeon_tensor *y);
odeon_status call_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                       const double *slots);
odeon_status call_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                         int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                         int64_t y_at);
odeon_status call_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                            int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status call_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status call_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                              const double *values);
odeon_status call_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots);
odeon_status call_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                          int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                          const double *slots);
odeon_status call_error_sum(odeon_queue *queue, const odeon_control *control,
                            const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                            const odeon_tensor *const *x, const odeon_scalar *coefficient,
                            double *slots, int32_t slot);
odeon_status call_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                      double *slots, int32_t slot);
odeon_status call_step_control(odeon_queue *queue, const odeon_control *control, double *slots);
odeon_status call_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                             double *slots);
odeon_status call_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                         const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status call_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                            const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status call_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                           const odeon_tensor *const *x, const double *slots, int32_t slot);
odeon_status call_step_back(odeon_queue *queue, double *slots);
odeon_status call_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                        const odeon_tensor *y);
odeon_status call_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                            const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status call_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                         const odeon_tensor *b, const odeon_tensor *y);
odeon_status call_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                        const odeon_tensor *y);
odeon_status call_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                       const odeon_tensor *a, const odeon_tensor *b, double beta,
                       const odeon_tensor *c, const odeon_epilogue *epilogue);
odeon_status call_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias);
odeon_status call_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *w, const odeon_epilogue *epilogue,
                         const odeon_tensor *y, void *scratch);
odeon_status call_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *w, const odeon_tensor *dy,
                               const odeon_tensor *dx, void *scratch);
odeon_status call_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dw, void *scratch);
odeon_status call_pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *y);
odeon_status call_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry,
                             const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status call_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                             const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                             const odeon_tensor *y, const odeon_tensor *stats);
odeon_status call_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                 const odeon_tensor *w, const odeon_tensor *stats,
                                 const odeon_tensor *dy, const odeon_tensor *dx,
                                 const odeon_tensor *dw, const odeon_tensor *db);
odeon_status call_channel_moment(odeon_queue *queue, const odeon_tensor *x,
                                 const odeon_tensor *mean, const odeon_tensor *out);
odeon_status call_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                             const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                             const odeon_tensor *y);
odeon_status call_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *stats, const odeon_tensor *dy,
                                      const odeon_tensor *sums);
odeon_status call_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                 const odeon_tensor *stats, const odeon_tensor *dy,
                                 const odeon_tensor *sums, double count, const odeon_tensor *dx);
odeon_status call_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                          const odeon_tensor *x, const odeon_tensor *y);
odeon_status call_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                           int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
odeon_status call_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                               int64_t first_sample, const odeon_tensor *dy,
                               const odeon_tensor *dx);
odeon_status call_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                        const odeon_tensor *labels, double weight,
                                        const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status call_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                  const odeon_tensor *x, const odeon_tensor *target,
                                  const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                  const odeon_tensor *dx);
odeon_status call_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *v, double lr, double momentum, double decay,
                           int32_t nesterov, int32_t first);
odeon_status call_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                            const odeon_tensor *m, const odeon_tensor *v,
                            const odeon_adam *constants);
odeon_status call_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                               const odeon_tensor *v, const odeon_tensor *mean,
                               const odeon_tensor *buffer, const odeon_rmsprop *constants);
#endif
