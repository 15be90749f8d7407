#include "reference.h"

#include <math.h>

/* ---- group normalization ---- */

/* Group g of sample b in x[B,C,S] is the contiguous run of n numbers from first; mean and rstd = 1
 * / sqrt(variance + epsilon) are its statistics. */
typedef struct norm_group {
    int64_t first, n;
    double mean, rstd;
} norm_group;

static norm_group find_group(const odeon_tensor *x, int32_t groups, int64_t b, int64_t g)
{
    int64_t n = x->dim[1] / groups * x->dim[2];
    return (norm_group){.first = (b * groups + g) * n, .n = n};
}

static int64_t channel_of(const odeon_tensor *x, int64_t i)
{
    return i / x->dim[2] % x->dim[1];
}

/* x [B,C,S] with C divisible by groups, stats F64 [B,groups,2]. */
static odeon_status expect_groups(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                  const odeon_tensor *stats)
{
    ODEON_TRY(reference_expect_real(queue, "groupnorm: x", x, 3));
    ODEON_TRY(reference_expect_true(queue, groups > 0 && x->dim[1] % groups == 0,
                                    "groupnorm: groups do not divide the channels"));
    return reference_expect(queue, "groupnorm: stats", stats, ODEON_DTYPE_F64, 3,
                            (int64_t[]){x->dim[0], groups, 2});
}

/* v [C] of the dtype of x, or NULL. */
static odeon_status expect_channels(odeon_queue *queue, const char *what, const odeon_tensor *v,
                                    const odeon_tensor *x)
{
    return v == NULL ? ODEON_OK : reference_expect(queue, what, v, x->dtype, 1, &x->dim[1]);
}

/* Two passes: the variance as mean of squares minus square of mean would lose digits. */
static void measure_group(const odeon_tensor *x, double epsilon, norm_group *group)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t i = group->first; i < group->first + group->n; i++) {
        sum += load(x, i);
    }
    group->mean = sum / (double)group->n;
    for (int64_t i = group->first; i < group->first + group->n; i++) {
        squares += (load(x, i) - group->mean) * (load(x, i) - group->mean);
    }
    group->rstd = 1.0 / sqrt(squares / (double)group->n + epsilon);
}

/* x [B,C,S], w, b [C] or NULL -> y [B,C,S], stats F64 [B,groups,2]. Source: Wu, He, Group
 * Normalization, 2018, eqs. 1 to 6. */
odeon_status reference_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                                  const odeon_tensor *x, const odeon_tensor *w,
                                  const odeon_tensor *b, const odeon_tensor *y,
                                  const odeon_tensor *stats)
{
    ODEON_TRY(expect_groups(queue, groups, x, stats));
    ODEON_TRY(expect_channels(queue, "groupnorm: w", w, x));
    ODEON_TRY(expect_channels(queue, "groupnorm: b", b, x));
    ODEON_TRY(reference_expect_like(queue, "groupnorm: y", y, x));
    if (odeon_count(x) == 0) {
        return ODEON_OK;
    }
    for (int64_t k = 0; k < x->dim[0] * groups; k++) {
        norm_group group = find_group(x, groups, k / groups, k % groups);
        measure_group(x, epsilon, &group);
        store(stats, 2 * k, group.mean);
        store(stats, 2 * k + 1, group.rstd);
        for (int64_t i = group.first; i < group.first + group.n; i++) {
            int64_t c = channel_of(x, i);
            double normal = (load(x, i) - group.mean) * group.rstd;
            store(y, i, normal * (w == NULL ? 1.0 : load(w, c)) + (b == NULL ? 0.0 : load(b, c)));
        }
    }
    return ODEON_OK;
}

/* dw[c] += sum of dy * normal, db[c] += sum of dy, over all samples and positions of channel c. */
static void add_channel_gradients(int32_t groups, const odeon_tensor *x, const odeon_tensor *stats,
                                  const odeon_tensor *dy, const odeon_tensor *dw,
                                  const odeon_tensor *db)
{
    int64_t C = x->dim[1];
    for (int64_t c = 0; c < C; c++) {
        double sum = 0.0, product = 0.0;
        for (int64_t b = 0; b < x->dim[0]; b++) {
            int64_t k = b * groups + c / (C / groups);
            for (int64_t s = 0; s < x->dim[2]; s++) {
                int64_t i = at3(x, b, c, s);
                sum += load(dy, i);
                product += load(dy, i) * (load(x, i) - load(stats, 2 * k)) * load(stats, 2 * k + 1);
            }
        }
        if (dw != NULL) {
            store(dw, c, load(dw, c) + product);
        }
        if (db != NULL) {
            store(db, c, load(db, c) + sum);
        }
    }
}

/* dx = rstd (u - mean(u) - normal mean(u normal)) with u = dy w and normal = (x - mean) rstd, means
 * over the group. The two subtracted terms project out shifting and scaling the whole group, which
 * do not change y. */
static void store_group_gradient(const odeon_tensor *x, const odeon_tensor *w,
                                 const norm_group *group, const odeon_tensor *dy,
                                 const odeon_tensor *dx)
{
    double mean_u = 0.0, mean_un = 0.0, n = (double)group->n;
    for (int64_t i = group->first; i < group->first + group->n; i++) {
        double u = load(dy, i) * (w == NULL ? 1.0 : load(w, channel_of(x, i)));
        mean_u += u / n;
        mean_un += u * (load(x, i) - group->mean) * group->rstd / n;
    }
    for (int64_t i = group->first; i < group->first + group->n; i++) {
        double u = load(dy, i) * (w == NULL ? 1.0 : load(w, channel_of(x, i)));
        double normal = (load(x, i) - group->mean) * group->rstd;
        store(dx, i, group->rstd * (u - mean_u - normal * mean_un));
    }
}

/* x, dy, dx [B,C,S], w, dw, db [C], stats F64 [B,groups,2]; adds to dw and db. */
odeon_status reference_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                      const odeon_tensor *w, const odeon_tensor *stats,
                                      const odeon_tensor *dy, const odeon_tensor *dx,
                                      const odeon_tensor *dw, const odeon_tensor *db)
{
    ODEON_TRY(expect_groups(queue, groups, x, stats));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: w", w, x));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: dw", dw, x));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: db", db, x));
    ODEON_TRY(reference_expect_like(queue, "groupnorm_vjp: dy", dy, x));
    add_channel_gradients(groups, x, stats, dy, dw, db);
    if (dx == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(reference_expect_like(queue, "groupnorm_vjp: dx", dx, x));
    for (int64_t k = 0; k < x->dim[0] * groups; k++) {
        norm_group group = find_group(x, groups, k / groups, k % groups);
        group.mean = load(stats, 2 * k);
        group.rstd = load(stats, 2 * k + 1);
        store_group_gradient(x, w, &group, dy, dx);
    }
    return ODEON_OK;
}
