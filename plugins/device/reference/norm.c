#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "reference.h"

#include <math.h>

/* ---- group normalization ---- */

/* Group g of sample b in x[B,C,S] is the contiguous run of n numbers from first; mean and rstd = 1
 * / sqrt(variance + epsilon) are its statistics. */
typedef struct norm_group {
    int64_t first, n;
    double mean, rstd;
} norm_group;

static norm_group find_group(const odeon_view *x, int32_t groups, int64_t b, int64_t g)
{
    int64_t n = x->shape.dim[1] / groups * x->shape.dim[2];
    return (norm_group){.first = (b * groups + g) * n, .n = n};
}

static int64_t channel_of(const odeon_view *x, int64_t i)
{
    return i / x->shape.dim[2] % x->shape.dim[1];
}

/* x [B,C,S] with C divisible by groups, stats F64 [B,groups,2]. */
static odeon_status expect_groups(odeon_queue *queue, int32_t groups, const odeon_shape *x,
                                  const odeon_shape *stats)
{
    ODEON_TRY(reference_expect_real(queue, "group_norm: x", x, 3));
    ODEON_TRY(reference_expect_true(queue, groups > 0 && x->dim[1] % groups == 0,
                                    "group_norm: groups do not divide the channels"));
    return reference_expect(queue, "group_norm: stats", stats, ODEON_DTYPE_F64, 3,
                            (int64_t[]){x->dim[0], groups, 2});
}

/* v [C] of the dtype of x, or NULL. */
static odeon_status expect_channels(odeon_queue *queue, const char *what, const odeon_view *v,
                                    const odeon_view *x)
{
    return v == NULL
               ? ODEON_OK
               : reference_expect(queue, what, &v->shape, x->shape.dtype, 1, &x->shape.dim[1]);
}

/* Two passes: the variance as mean of squares minus square of mean would lose digits. */
static void measure_group(const odeon_view *x, double epsilon, norm_group *group)
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
static odeon_status reference_group_norm(odeon_queue *queue, const odeon_group_norm *call)
{
    ODEON_TRY(reference_begin(queue, "group_norm", call->flags));
    ODEON_TRY(expect_groups(queue, call->groups, &call->x->shape, &call->stats->view.shape));
    ODEON_TRY(expect_channels(queue, "group_norm: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "group_norm: b", call->b, call->x));
    ODEON_TRY(reference_expect_like(queue, "group_norm: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(reference_expect_true(queue, call->act >= 0 && call->act <= ODEON_UNARY_LAST_EPILOGUE,
                                    "group_norm: the function cannot be an epilogue"));
    if (odeon_count(&call->x->shape) == 0) {
        return ODEON_OK;
    }
    for (int64_t k = 0; k < call->x->shape.dim[0] * call->groups; k++) {
        norm_group group = find_group(call->x, call->groups, k / call->groups, k % call->groups);
        measure_group(call->x, call->epsilon, &group);
        store(call->stats, 2 * k, group.mean);
        store(call->stats, 2 * k + 1, group.rstd);
        for (int64_t i = group.first; i < group.first + group.n; i++) {
            int64_t c = channel_of(call->x, i);
            double normal = (load(call->x, i) - group.mean) * group.rstd;
            double value = normal * (call->w == NULL ? 1.0 : load(call->w, c)) +
                           (call->b == NULL ? 0.0 : load(call->b, c));
            store(call->y, i, reference_function(call->act, value));
        }
    }
    return ODEON_OK;
}

/* dw[c] += sum of dy * normal, db[c] += sum of dy, over all samples and positions of channel c. */
static void add_channel_gradients(int32_t groups, const odeon_view *x, const odeon_view *stats,
                                  const odeon_view *dy, const odeon_tensor *dw,
                                  const odeon_tensor *db)
{
    int64_t C = x->shape.dim[1];
    for (int64_t c = 0; c < C; c++) {
        double sum = 0.0, product = 0.0;
        for (int64_t b = 0; b < x->shape.dim[0]; b++) {
            int64_t k = b * groups + c / (C / groups);
            for (int64_t s = 0; s < x->shape.dim[2]; s++) {
                int64_t i = at3(x, b, c, s);
                sum += load(dy, i);
                product += load(dy, i) * (load(x, i) - load(stats, 2 * k)) * load(stats, 2 * k + 1);
            }
        }
        if (dw != NULL) {
            store(dw, c, load(&dw->view, c) + product);
        }
        if (db != NULL) {
            store(db, c, load(&db->view, c) + sum);
        }
    }
}

/* dx = rstd (u - mean(u) - normal mean(u normal)) with u = dy w and normal = (x - mean) rstd, means
 * over the group. The two subtracted terms project out shifting and scaling the whole group, which
 * do not change y. */
static void store_group_gradient(const odeon_view *x, const odeon_view *w, const norm_group *group,
                                 const odeon_view *dy, const odeon_tensor *dx)
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
static odeon_status reference_group_norm_vjp(odeon_queue *queue, const odeon_group_norm_vjp *call)
{
    ODEON_TRY(reference_begin(queue, "group_norm_vjp", call->flags));
    ODEON_TRY(expect_groups(queue, call->groups, &call->x->shape, &call->stats->shape));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: dw", odeon_as_view(call->dw), call->x));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: db", odeon_as_view(call->db), call->x));
    ODEON_TRY(
        reference_expect_like(queue, "group_norm_vjp: dy", &call->dy->shape, &call->x->shape));
    add_channel_gradients(call->groups, call->x, call->stats, call->dy, call->dw, call->db);
    if (call->dx == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(
        reference_expect_like(queue, "group_norm_vjp: dx", &call->dx->view.shape, &call->x->shape));
    for (int64_t k = 0; k < call->x->shape.dim[0] * call->groups; k++) {
        norm_group group = find_group(call->x, call->groups, k / call->groups, k % call->groups);
        group.mean = load(call->stats, 2 * k);
        group.rstd = load(call->stats, 2 * k + 1);
        store_group_gradient(call->x, call->w, &group, call->dy, call->dx);
    }
    return ODEON_OK;
}

/* ---- batch normalization ---- */

/* v F64 [2,C]. */
static odeon_status expect_pair(odeon_queue *queue, const char *what, const odeon_view *v,
                                const odeon_view *x)
{
    return reference_expect(queue, what, &v->shape, ODEON_DTYPE_F64, 2,
                            (int64_t[]){2, x->shape.dim[1]});
}

/* x [B,C,S], mean F64 [C] or NULL -> out F64 [C]. */
static odeon_status reference_channel_moment(odeon_queue *queue, const odeon_channel_moment *call)
{
    ODEON_TRY(reference_begin(queue, "channel_moment", call->flags));
    ODEON_TRY(reference_expect_real(queue, "channel_moment: x", &call->x->shape, 3));
    ODEON_TRY(reference_expect(queue, "channel_moment: out", &call->out->view.shape,
                               ODEON_DTYPE_F64, 1, &call->x->shape.dim[1]));
    if (call->mean != NULL) {
        ODEON_TRY(reference_expect(queue, "channel_moment: mean", &call->mean->shape,
                                   ODEON_DTYPE_F64, 1, &call->x->shape.dim[1]));
    }
    for (int64_t c = 0; c < call->x->shape.dim[1]; c++) {
        double sum = 0.0;
        for (int64_t b = 0; b < call->x->shape.dim[0]; b++) {
            for (int64_t s = 0; s < call->x->shape.dim[2]; s++) {
                double value = load(call->x, at3(call->x, b, c, s));
                double centred = call->mean == NULL ? 0.0 : value - load(call->mean, c);
                sum += call->mean == NULL ? value : centred * centred;
            }
        }
        store(call->out, c, sum);
    }
    return ODEON_OK;
}

/* The normalized value (x - mean) rstd of element i, which belongs to channel c; stats [2,C] holds
 * the means, then rstd. */
static double normal_at(const odeon_view *x, const odeon_view *stats, int64_t c, int64_t i)
{
    return (load(x, i) - load(stats, c)) * load(stats, x->shape.dim[1] + c);
}

/* x [B,C,S], stats F64 [2,C], w, b [C] or NULL -> y [B,C,S]. Source: Ioffe, Szegedy, Batch
 * Normalization, 2015, alg. 1. */
static odeon_status reference_batch_norm(odeon_queue *queue, const odeon_batch_norm *call)
{
    ODEON_TRY(reference_begin(queue, "batch_norm", call->flags));
    ODEON_TRY(reference_expect_real(queue, "batch_norm: x", &call->x->shape, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm: stats", call->stats, call->x));
    ODEON_TRY(expect_channels(queue, "batch_norm: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "batch_norm: b", call->b, call->x));
    ODEON_TRY(reference_expect_like(queue, "batch_norm: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(reference_expect_true(queue, call->act >= 0 && call->act <= ODEON_UNARY_LAST_EPILOGUE,
                                    "batch_norm: the function cannot be an epilogue"));
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        int64_t c = i / call->x->shape.dim[2] % call->x->shape.dim[1];
        double value =
            normal_at(call->x, call->stats, c, i) * (call->w == NULL ? 1.0 : load(call->w, c));
        store(call->y, i,
              reference_function(call->act, value + (call->b == NULL ? 0.0 : load(call->b, c))));
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [2,C] -> sums F64 [2,C]. Apart from the vjp, because the sums of all
 * workers are added in between. */
static odeon_status reference_batch_norm_vjp_sums(odeon_queue *queue,
                                                  const odeon_batch_norm_vjp_sums *call)
{
    ODEON_TRY(reference_begin(queue, "batch_norm_vjp_sums", call->flags));
    ODEON_TRY(reference_expect_real(queue, "batch_norm_vjp_sums: x", &call->x->shape, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: stats", call->stats, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: sums", &call->sums->view, call->x));
    ODEON_TRY(
        reference_expect_like(queue, "batch_norm_vjp_sums: dy", &call->dy->shape, &call->x->shape));
    for (int64_t c = 0; c < call->x->shape.dim[1]; c++) {
        double sum = 0.0, product = 0.0;
        for (int64_t b = 0; b < call->x->shape.dim[0]; b++) {
            for (int64_t s = 0; s < call->x->shape.dim[2]; s++) {
                int64_t i = at3(call->x, b, c, s);
                sum += load(call->dy, i);
                product += load(call->dy, i) * normal_at(call->x, call->stats, c, i);
            }
        }
        store(call->sums, c, sum);
        store(call->sums, call->x->shape.dim[1] + c, product);
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats, sums F64 [2,C] -> dx [B,C,S]. An infinite count drops the terms through the
 * statistics. */
static odeon_status reference_batch_norm_vjp(odeon_queue *queue, const odeon_batch_norm_vjp *call)
{
    ODEON_TRY(reference_begin(queue, "batch_norm_vjp", call->flags));
    ODEON_TRY(reference_expect_real(queue, "batch_norm_vjp: x", &call->x->shape, 3));
    ODEON_TRY(expect_channels(queue, "batch_norm_vjp: w", call->w, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: stats", call->stats, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: sums", call->sums, call->x));
    ODEON_TRY(
        reference_expect_like(queue, "batch_norm_vjp: dy", &call->dy->shape, &call->x->shape));
    ODEON_TRY(
        reference_expect_like(queue, "batch_norm_vjp: dx", &call->dx->view.shape, &call->x->shape));
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        int64_t c = i / call->x->shape.dim[2] % call->x->shape.dim[1], C = call->x->shape.dim[1];
        double scale = load(call->stats, C + c) * (call->w == NULL ? 1.0 : load(call->w, c));
        double common = load(call->sums, c) / call->count;
        double slope = load(call->sums, C + c) / call->count;
        store(call->dx, i,
              scale * (load(call->dy, i) - common - normal_at(call->x, call->stats, c, i) * slope));
    }
    return ODEON_OK;
}

/* ---- softmax ---- */

/* mask [M,K,...] and lengths [M], each NULL or of the dtype of x [N,Q,K], M dividing N. */
static odeon_status expect_keys(odeon_queue *queue, const odeon_softmax *call)
{
    const odeon_shape *x = &call->x->shape;
    const odeon_view *mask = call->mask, *lengths = call->lengths;
    int64_t sets = mask != NULL ? mask->shape.dim[0] : lengths != NULL ? lengths->shape.dim[0] : 1;
    ODEON_TRY(reference_expect_true(queue, sets > 0 ? x->dim[0] % sets == 0 : x->dim[0] == 0,
                                    "softmax: mask or lengths do not divide the matrices"));
    ODEON_TRY(reference_expect_true(queue,
                                    mask == NULL ||
                                        (mask->shape.dtype == x->dtype && mask->shape.ndim >= 2 &&
                                         mask->shape.dim[1] == x->dim[2]),
                                    "softmax: mask is not [M,K,...] of the dtype of x"));
    return lengths == NULL
               ? ODEON_OK
               : reference_expect(queue, "softmax: lengths", &lengths->shape, x->dtype, 1, &sets);
}

static int32_t mask_counts(const odeon_view *mask, int64_t n, int64_t k)
{
    int64_t sets = mask->shape.dim[0], keys = mask->shape.dim[1], each = 1;
    for (int32_t i = 2; i < mask->shape.ndim; i++) {
        each *= mask->shape.dim[i];
    }
    for (int64_t i = 0; i < each; i++) {
        if (load(mask, (n % sets * keys + k) * each + i) != 0.0) {
            return 1;
        }
    }
    return 0;
}

/* Does number k of row q of matrix n count? */
static int32_t key_counts(const odeon_softmax *call, int64_t n, int64_t q, int64_t k)
{
    const odeon_view *lengths = call->lengths;
    return (call->causal == 0 || k <= q) &&
           (lengths == NULL || (double)k < load(lengths, n % lengths->shape.dim[0])) &&
           (call->mask == NULL || mask_counts(call->mask, n, k));
}

/* Of one row, which begins at element first. Written so that a NaN that counts reaches the row. */
static void softmax_row(const odeon_softmax *call, int64_t n, int64_t q, int64_t first)
{
    int64_t K = call->x->shape.dim[2];
    double largest = -HUGE_VAL, sum = 0.0;
    for (int64_t k = 0; k < K; k++) {
        double x = load(call->x, first + k);
        largest = key_counts(call, n, q, k) && x > largest ? x : largest;
    }
    for (int64_t k = 0; k < K; k++) {
        sum += key_counts(call, n, q, k) ? exp(load(call->x, first + k) - largest) : 0.0;
    }
    for (int64_t k = 0; k < K; k++) {
        int32_t counts = key_counts(call, n, q, k);
        store(call->y, first + k, counts ? exp(load(call->x, first + k) - largest) / sum : 0.0);
    }
}

/* x [N,Q,K] -> y [N,Q,K]. */
static odeon_status reference_softmax(odeon_queue *queue, const odeon_softmax *call)
{
    const odeon_shape *x = &call->x->shape;
    ODEON_TRY(reference_begin(queue, "softmax", call->flags));
    ODEON_TRY(reference_expect_real(queue, "softmax: x", x, 3));
    ODEON_TRY(reference_expect_like(queue, "softmax: y", &call->y->view.shape, x));
    ODEON_TRY(expect_keys(queue, call));
    for (int64_t row = 0; row < x->dim[0] * x->dim[1]; row++) {
        softmax_row(call, row / x->dim[1], row % x->dim[1], row * x->dim[2]);
    }
    return ODEON_OK;
}

/* y, dy [N,Q,K] -> dx [N,Q,K]. */
static odeon_status reference_softmax_vjp(odeon_queue *queue, const odeon_softmax_vjp *call)
{
    const odeon_shape *y = &call->y->shape;
    ODEON_TRY(reference_begin(queue, "softmax_vjp", call->flags));
    ODEON_TRY(reference_expect_real(queue, "softmax_vjp: y", y, 3));
    ODEON_TRY(reference_expect_like(queue, "softmax_vjp: dy", &call->dy->shape, y));
    ODEON_TRY(reference_expect_like(queue, "softmax_vjp: dx", &call->dx->view.shape, y));
    int64_t K = y->dim[2];
    for (int64_t first = 0; first < odeon_count(y); first += K) {
        double sum = 0.0;
        for (int64_t k = first; k < first + K; k++) {
            sum += load(call->y, k) * load(call->dy, k);
        }
        for (int64_t k = first; k < first + K; k++) {
            store(call->dx, k, load(call->y, k) * (load(call->dy, k) - sum));
        }
    }
    return ODEON_OK;
}

const odeon_norm_family reference_norm = {
    .struct_size = sizeof(odeon_norm_family),
    .group_norm = reference_group_norm,
    .group_norm_vjp = reference_group_norm_vjp,
    .channel_moment = reference_channel_moment,
    .batch_norm = reference_batch_norm,
    .batch_norm_vjp_sums = reference_batch_norm_vjp_sums,
    .batch_norm_vjp = reference_batch_norm_vjp,
    .softmax = reference_softmax,
    .softmax_vjp = reference_softmax_vjp,
};
