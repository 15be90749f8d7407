#include "cpu.h"

/* Describes x [B,C,S] for the kernels; 0 if it has another number of dimensions. */
static int32_t as_channels(const odeon_tensor *x, cpu_groups *out)
{
    *out = (cpu_groups){.batch = x->dim[0], .channels = x->dim[1], .space = x->dim[2], .groups = 1};
    return x->ndim == 3;
}

/* Is v F64 with n numbers for each channel of x? */
static int32_t has_doubles(const odeon_tensor *v, const odeon_tensor *x, int64_t n)
{
    return v->dtype == ODEON_DTYPE_F64 && odeon_count(v) == n * x->dim[1];
}

/* Is w NULL, or [C] of the dtype of x? */
static int32_t per_channel(const odeon_tensor *w, const odeon_tensor *x)
{
    return w == NULL || (w->dtype == x->dtype && odeon_count(w) == x->dim[1]);
}

static void *data_of(const odeon_tensor *x)
{
    return x != NULL ? x->data : NULL;
}

/* x [B,C,S], mean F64 [C] or NULL -> out F64 [C]. */
odeon_status cpu_channel_moment(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *mean,
                                const odeon_tensor *out)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "channel_moment", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_channels(x, &g) && has_doubles(out, x, 1) &&
                              (mean == NULL || has_doubles(mean, x, 1)),
                          "channel_moment", "x[B,C,S], mean, out F64 [C]"));
    k->channel_moment(&g, x->data, data_of(mean), out->data);
    return ODEON_OK;
}

/* x [B,C,S], stats F64 [2,C], w, b [C] or NULL -> y [B,C,S]. */
odeon_status cpu_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                            const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                            const odeon_tensor *y)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "batch_norm", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_channels(x, &g) && cpu_alike(x, y) && per_channel(w, x) &&
                              per_channel(b, x) && has_doubles(stats, x, 2) && act >= 0 &&
                              act <= ODEON_UNARY_LAST_EPILOGUE,
                          "batch_norm", "x, y[B,C,S], w, b[C], stats F64 [2,C]"));
    k->batch_norm(&g, x->data, stats->data, data_of(w), data_of(b), act, y->data);
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [2,C] -> sums F64 [2,C]. */
odeon_status cpu_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                     const odeon_tensor *stats, const odeon_tensor *dy,
                                     const odeon_tensor *sums)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "batch_norm_vjp_sums", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_channels(x, &g) && cpu_alike(x, dy) && has_doubles(stats, x, 2) &&
                              has_doubles(sums, x, 2),
                          "batch_norm_vjp_sums", "x, dy[B,C,S], stats, sums F64 [2,C]"));
    k->batch_norm_vjp_sums(&g, x->data, stats->data, dy->data, sums->data);
    return ODEON_OK;
}

/* x, dy [B,C,S], w [C] or NULL, stats, sums F64 [2,C] -> dx [B,C,S]. */
odeon_status cpu_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                const odeon_tensor *stats, const odeon_tensor *dy,
                                const odeon_tensor *sums, double count, const odeon_tensor *dx)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "batch_norm_vjp", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_channels(x, &g) && cpu_alike(x, dy) && cpu_alike(x, dx) &&
                              per_channel(w, x) && has_doubles(stats, x, 2) &&
                              has_doubles(sums, x, 2),
                          "batch_norm_vjp", "x, dy, dx[B,C,S], w[C], stats, sums F64 [2,C]"));
    k->batch_norm_vjp(&g, x->data, data_of(w), stats->data, dy->data, sums->data, count, dx->data);
    return ODEON_OK;
}
