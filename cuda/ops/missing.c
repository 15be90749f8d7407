#include "ops.h"

/* What no file of this folder has yet. */
#define MISSING(name, ...)                                                                         \
    __attribute__((weak)) odeon_status name(odeon_queue *queue, __VA_ARGS__)                       \
    {                                                                                              \
        return device_fail(queue, ODEON_ERR_UNSUPPORTED, #name " is not there");                   \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"

MISSING(ops_copy, const odeon_tensor *x, const odeon_tensor *y)
MISSING(ops_cast, const odeon_tensor *x, double scale, double shift, const odeon_tensor *y)
MISSING(ops_fill, const odeon_tensor *y, odeon_scalar value, const double *slots)
MISSING(ops_copy2d, const odeon_tensor *x, const odeon_tensor *y, int64_t rows, int64_t cols,
        int64_t x_pitch, int64_t x_at, int64_t y_pitch, int64_t y_at)
MISSING(ops_rows_fill, const odeon_tensor *y, int64_t rows, int64_t cols, int64_t pitch, int64_t at,
        const odeon_tensor *v)
MISSING(ops_rows_sum, const odeon_tensor *x, int64_t rows, int64_t cols, int64_t pitch, int64_t at,
        const odeon_tensor *v)
MISSING(ops_gemm, int32_t trans_a, int32_t trans_b, double alpha, const odeon_tensor *a,
        const odeon_tensor *b, double beta, const odeon_tensor *c, const odeon_epilogue *epilogue)
MISSING(ops_channel_sum, const odeon_tensor *x, const odeon_tensor *bias)
MISSING(ops_conv2d, const odeon_conv2d *geometry, const odeon_tensor *x, const odeon_tensor *w,
        const odeon_epilogue *epilogue, const odeon_tensor *y, void *scratch)
MISSING(ops_conv2d_vjp_x, const odeon_conv2d *geometry, const odeon_tensor *w,
        const odeon_tensor *dy, const odeon_tensor *dx, void *scratch)
MISSING(ops_conv2d_vjp_w, const odeon_conv2d *geometry, const odeon_tensor *x,
        const odeon_tensor *dy, const odeon_tensor *dw, void *scratch)
MISSING(ops_pool2d, const odeon_pool2d *geometry, const odeon_tensor *x, const odeon_tensor *y)
MISSING(ops_pool2d_vjp, const odeon_pool2d *geometry, const odeon_tensor *x, const odeon_tensor *dy,
        const odeon_tensor *dx)
MISSING(ops_group_norm, int32_t groups, double epsilon, const odeon_tensor *x,
        const odeon_tensor *w, const odeon_tensor *b, const odeon_tensor *y,
        const odeon_tensor *stats)
MISSING(ops_group_norm_vjp, int32_t groups, const odeon_tensor *x, const odeon_tensor *w,
        const odeon_tensor *stats, const odeon_tensor *dy, const odeon_tensor *dx,
        const odeon_tensor *dw, const odeon_tensor *db)
MISSING(ops_channel_moment, const odeon_tensor *x, const odeon_tensor *mean,
        const odeon_tensor *out)
MISSING(ops_batch_norm, const odeon_tensor *x, const odeon_tensor *stats, const odeon_tensor *w,
        const odeon_tensor *b, int32_t act, const odeon_tensor *y)
MISSING(ops_batch_norm_vjp_sums, const odeon_tensor *x, const odeon_tensor *stats,
        const odeon_tensor *dy, const odeon_tensor *sums)
MISSING(ops_batch_norm_vjp, const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *stats,
        const odeon_tensor *dy, const odeon_tensor *sums, double count, const odeon_tensor *dx)
MISSING(ops_dropout, uint64_t key, int64_t first, double p, const odeon_tensor *x,
        const odeon_tensor *y)
MISSING(ops_window2d, const odeon_window2d *geometry, uint64_t key, int64_t first_sample,
        const odeon_tensor *x, const odeon_tensor *y)
MISSING(ops_window2d_vjp, const odeon_window2d *geometry, uint64_t key, int64_t first_sample,
        const odeon_tensor *dy, const odeon_tensor *dx)
MISSING(ops_softmax_cross_entropy, const odeon_tensor *x, const odeon_tensor *labels, double weight,
        const odeon_tensor *sums, const odeon_tensor *dx)
MISSING(ops_difference_loss, int32_t kind, double beta, const odeon_tensor *x,
        const odeon_tensor *target, const odeon_tensor *mask, double weight,
        const odeon_tensor *sums, const odeon_tensor *dx)

__attribute__((weak)) uint64_t ops_conv2d_scratch(void *device, const odeon_conv2d *geometry,
                                                  const odeon_tensor *x, const odeon_tensor *w)
{
    return 0;
}
