#include "reference.h"

/* v [C] of the dtype of x, or NULL. */
static odeon_status expect_per_channel(odeon_queue *queue, const char *what, const odeon_tensor *v,
                                       const odeon_tensor *x)
{
    return v == NULL ? ODEON_OK : reference_expect(queue, what, v, x->dtype, 1, &x->dim[1]);
}

/* v F64 [2,C]. */
static odeon_status expect_pair(odeon_queue *queue, const char *what, const odeon_tensor *v,
                                const odeon_tensor *x)
{
    return reference_expect(queue, what, v, ODEON_DTYPE_F64, 2, (int64_t[]){2, x->dim[1]});
}

/* x [B,C,S], mean F64 [C] or NULL -> out F64 [C]. */
odeon_status reference_channel_moment(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *mean, const odeon_tensor *out)
{
    ODEON_TRY(reference_expect_real(queue, "channel_moment: x", x, 3));
    ODEON_TRY(reference_expect(queue, "channel_moment: out", out, ODEON_DTYPE_F64, 1, &x->dim[1]));
    if (mean != NULL) {
        ODEON_TRY(
            reference_expect(queue, "channel_moment: mean", mean, ODEON_DTYPE_F64, 1, &x->dim[1]));
    }
    for (int64_t c = 0; c < x->dim[1]; c++) {
        double sum = 0.0;
        for (int64_t b = 0; b < x->dim[0]; b++) {
            for (int64_t s = 0; s < x->dim[2]; s++) {
                double value = load(x, at3(x, b, c, s));
                double centred = mean == NULL ? 0.0 : value - load(mean, c);
                sum += mean == NULL ? value : centred * centred;
            }
        }
        store(out, c, sum);
    }
    return ODEON_OK;
}

/* The normalized value (x - mean) rstd of element i, which belongs to channel c; stats [2,C] holds
 * the means, then rstd. */
static double normal_at(const odeon_tensor *x, const odeon_tensor *stats, int64_t c, int64_t i)
{
    return (load(x, i) - load(stats, c)) * load(stats, x->dim[1] + c);
}

/* x [B,C,S], stats F64 [2,C], w, b [C] or NULL -> y [B,C,S]. Source: Ioffe, Szegedy, Batch
 * Normalization, 2015, alg. 1. */
odeon_status reference_batch_norm(odeon_queue *queue, const odeon_tensor *x,
                                  const odeon_tensor *stats, const odeon_tensor *w,
                                  const odeon_tensor *b, int32_t act, const odeon_tensor *y)
{
    ODEON_TRY(reference_expect_real(queue, "batch_norm: x", x, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm: stats", stats, x));
    ODEON_TRY(expect_per_channel(queue, "batch_norm: w", w, x));
    ODEON_TRY(expect_per_channel(queue, "batch_norm: b", b, x));
    ODEON_TRY(reference_expect_like(queue, "batch_norm: y", y, x));
    ODEON_TRY(reference_expect_true(queue, act >= 0 && act <= ODEON_UNARY_LAST_EPILOGUE,
                                    "batch_norm: the function cannot be an epilogue"));
    for (int64_t i = 0; i < odeon_count(x); i++) {
        int64_t c = i / x->dim[2] % x->dim[1];
        double value = normal_at(x, stats, c, i) * (w == NULL ? 1.0 : load(w, c));
        store(y, i, reference_function(act, value + (b == NULL ? 0.0 : load(b, c))));
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [2,C] -> sums F64 [2,C]. Apart from the vjp, because the sums of all
 * workers are added in between. */
odeon_status reference_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                           const odeon_tensor *stats, const odeon_tensor *dy,
                                           const odeon_tensor *sums)
{
    ODEON_TRY(reference_expect_real(queue, "batch_norm_vjp_sums: x", x, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: stats", stats, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: sums", sums, x));
    ODEON_TRY(reference_expect_like(queue, "batch_norm_vjp_sums: dy", dy, x));
    for (int64_t c = 0; c < x->dim[1]; c++) {
        double sum = 0.0, product = 0.0;
        for (int64_t b = 0; b < x->dim[0]; b++) {
            for (int64_t s = 0; s < x->dim[2]; s++) {
                int64_t i = at3(x, b, c, s);
                sum += load(dy, i);
                product += load(dy, i) * normal_at(x, stats, c, i);
            }
        }
        store(sums, c, sum);
        store(sums, x->dim[1] + c, product);
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats, sums F64 [2,C] -> dx [B,C,S]. An infinite count drops the terms through the
 * statistics. */
odeon_status reference_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *w, const odeon_tensor *stats,
                                      const odeon_tensor *dy, const odeon_tensor *sums,
                                      double count, const odeon_tensor *dx)
{
    ODEON_TRY(reference_expect_real(queue, "batch_norm_vjp: x", x, 3));
    ODEON_TRY(expect_per_channel(queue, "batch_norm_vjp: w", w, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: stats", stats, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: sums", sums, x));
    ODEON_TRY(reference_expect_like(queue, "batch_norm_vjp: dy", dy, x));
    ODEON_TRY(reference_expect_like(queue, "batch_norm_vjp: dx", dx, x));
    for (int64_t i = 0; i < odeon_count(x); i++) {
        int64_t c = i / x->dim[2] % x->dim[1], C = x->dim[1];
        double scale = load(stats, C + c) * (w == NULL ? 1.0 : load(w, c));
        double common = load(sums, c) / count;
        double slope = load(sums, C + c) / count;
        store(dx, i, scale * (load(dy, i) - common - normal_at(x, stats, c, i) * slope));
    }
    return ODEON_OK;
}
