/* reference.h: a device of plain loops, the oracle that other devices are tested against and the
 * place to read what an operator does. Device memory is host memory, and an operator has finished
 * when it returns. Numbers of either dtype are loaded as double, computed in double and rounded
 * once when stored. Each operator first checks the shapes that it expects, then loops. device.h has
 * the contracts. */
#ifndef ODEON_DEVICE_REFERENCE_H
#define ODEON_DEVICE_REFERENCE_H
#include "odeon/device.h"
#include "odeon/host.h"

/* A queue has no state, since every operator runs at once; host is for messages. */
struct odeon_queue {
    const odeon_host *host; /* borrowed */
};

/* Element i, in row-major order, of a float32 or float64 tensor. */
static inline double load(const odeon_tensor *x, int64_t i)
{
    return x->dtype == ODEON_DTYPE_F32 ? (double)((const float *)x->data)[i]
                                       : ((const double *)x->data)[i];
}

/* Rounds to the tensor's dtype: the only rounding of an operator. */
static inline void store(const odeon_tensor *x, int64_t i, double value)
{
    if (x->dtype == ODEON_DTYPE_F32) {
        ((float *)x->data)[i] = (float)value;
    } else {
        ((double *)x->data)[i] = value;
    }
}

/* Row-major offsets: of [i,j,k] in x[.,J,K], and of [i,j,k,l] in x[.,J,K,L]. */
static inline int64_t at3(const odeon_tensor *x, int64_t i, int64_t j, int64_t k)
{
    return (i * x->dim[1] + j) * x->dim[2] + k;
}

static inline int64_t at4(const odeon_tensor *x, int64_t i, int64_t j, int64_t k, int64_t l)
{
    return (at3(x, i, j, k)) * x->dim[3] + l;
}

/* f(x) of the unary id; the derivative is private to pointwise.c. */
double reference_function(int32_t id, double x);

/* Checks of arguments. A failure means that the caller broke the contract (ODEON_ERR_INTERNAL). */

/* x has dtype and the shape dim[ndim]. what names it in the message: "gemm: b". */
odeon_status reference_expect(odeon_queue *queue, const char *what, const odeon_tensor *x,
                              int32_t dtype, int32_t ndim, const int64_t *dim);
/* x is float32 or float64 and has ndim dimensions (0: any number). */
odeon_status reference_expect_real(odeon_queue *queue, const char *what, const odeon_tensor *x,
                                   int32_t ndim);
/* x has the dtype and the number of elements of model; their shapes may differ. */
odeon_status reference_expect_like(odeon_queue *queue, const char *what, const odeon_tensor *x,
                                   const odeon_tensor *model);
/* Any other condition; text says what is violated. */
odeon_status reference_expect_true(odeon_queue *queue, int32_t holds, const char *text);

/* The operators, by the file that has them. */

/* moving.c */
odeon_status reference_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y);
odeon_status reference_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                            const odeon_tensor *y);
odeon_status reference_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                              double scale, double shift, const odeon_tensor *y);
odeon_status reference_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                            const double *slots);
odeon_status reference_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                              int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at,
                              int64_t y_pitch, int64_t y_at);
odeon_status reference_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows,
                                 int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status reference_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v);

/* solver.c */
odeon_status reference_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                                   const double *values);
odeon_status reference_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots);
odeon_status reference_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                               int32_t n, const odeon_tensor *const *x,
                               const odeon_scalar *coefficient, const double *slots);
odeon_status reference_error_sum(odeon_queue *queue, const odeon_control *control,
                                 const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                                 const odeon_tensor *const *x, const odeon_scalar *coefficient,
                                 double *slots, int32_t slot);
odeon_status reference_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                           double *slots, int32_t slot);
odeon_status reference_step_control(odeon_queue *queue, const odeon_control *control,
                                    double *slots);
odeon_status reference_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                                  double *slots);
odeon_status reference_step_back(odeon_queue *queue, double *slots);

/* pairs.c */
odeon_status reference_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                              const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status reference_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                                 const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status reference_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                                const odeon_tensor *const *x, const double *slots, int32_t slot);

/* pointwise.c */
odeon_status reference_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                             const odeon_tensor *y);
odeon_status reference_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                                 const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status reference_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                              const odeon_tensor *b, const odeon_tensor *y);
odeon_status reference_power(odeon_queue *queue, double scale, double exponent,
                             const odeon_tensor *x, const odeon_tensor *y);

/* products.c */
odeon_status reference_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                            const odeon_tensor *a, const odeon_tensor *b, double beta,
                            const odeon_tensor *c, const odeon_epilogue *epilogue);
odeon_status reference_channel_sum(odeon_queue *queue, const odeon_tensor *x,
                                   const odeon_tensor *bias);
/* Applies the epilogue of a product to one result, of column or filter n. */
double reference_finish(const odeon_epilogue *epilogue, int64_t n, double value);
odeon_status reference_expect_epilogue(odeon_queue *queue, const odeon_epilogue *epilogue,
                                       int32_t dtype, int64_t n);

/* conv.c */
/* Number of windows of length kernel, stride apart, in size elements with padding on both sides. */
int64_t reference_windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride);
uint64_t reference_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                                  const odeon_tensor *w);
odeon_status reference_conv2d(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *w,
                              const odeon_epilogue *epilogue, const odeon_tensor *y, void *scratch);
odeon_status reference_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                                    const odeon_tensor *w, const odeon_tensor *dy,
                                    const odeon_tensor *dx, void *scratch);
odeon_status reference_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                                    const odeon_tensor *x, const odeon_tensor *dy,
                                    const odeon_tensor *dw, void *scratch);

/* pool.c */
odeon_status reference_pool2d(odeon_queue *queue, const odeon_pool2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *y);
odeon_status reference_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry,
                                  const odeon_tensor *x, const odeon_tensor *dy,
                                  const odeon_tensor *dx);

/* norm.c */
odeon_status reference_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                                  const odeon_tensor *x, const odeon_tensor *w,
                                  const odeon_tensor *b, const odeon_tensor *y,
                                  const odeon_tensor *stats);
odeon_status reference_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                      const odeon_tensor *w, const odeon_tensor *stats,
                                      const odeon_tensor *dy, const odeon_tensor *dx,
                                      const odeon_tensor *dw, const odeon_tensor *db);

/* batch_norm.c */
odeon_status reference_channel_moment(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *mean, const odeon_tensor *out);
odeon_status reference_batch_norm(odeon_queue *queue, const odeon_tensor *x,
                                  const odeon_tensor *stats, const odeon_tensor *w,
                                  const odeon_tensor *b, int32_t act, const odeon_tensor *y);
odeon_status reference_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                           const odeon_tensor *stats, const odeon_tensor *dy,
                                           const odeon_tensor *sums);
odeon_status reference_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *w, const odeon_tensor *stats,
                                      const odeon_tensor *dy, const odeon_tensor *sums,
                                      double count, const odeon_tensor *dx);

/* random.c */
odeon_status reference_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                               const odeon_tensor *x, const odeon_tensor *y);
odeon_status reference_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                                int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
odeon_status reference_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry,
                                    uint64_t key, int64_t first_sample, const odeon_tensor *dy,
                                    const odeon_tensor *dx);

/* learning.c */
odeon_status reference_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                             const odeon_tensor *labels, double weight,
                                             const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status reference_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                       const odeon_tensor *x, const odeon_tensor *target,
                                       const odeon_tensor *mask, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status reference_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                const odeon_tensor *v, double lr, double momentum, double decay,
                                int32_t nesterov, int32_t first);
odeon_status reference_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                 const odeon_tensor *m, const odeon_tensor *v,
                                 const odeon_adam *constants);
odeon_status reference_rmsprop_step(odeon_queue *queue, const odeon_tensor *p,
                                    const odeon_tensor *g, const odeon_tensor *v,
                                    const odeon_tensor *mean, const odeon_tensor *buffer,
                                    const odeon_rmsprop *constants);

#endif
