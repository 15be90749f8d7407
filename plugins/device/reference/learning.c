#include "reference.h"

#include <math.h>
#include <stdbool.h>

/* ---- loss ---- */

/* The loss -log softmax(x[b])[label] of row b of x[B,K], NaN if label is no class; also the index
 * of its first largest element and log sum exp(x[b]). */
static double row_loss(const odeon_tensor *x, int64_t b, int64_t label, int64_t *largest,
                       double *log_sum)
{
    int64_t K = x->dim[1], top = 0;
    for (int64_t k = 1; k < K; k++) {
        if (load(x, b * K + k) > load(x, b * K + top)) {
            top = k;
        }
    }
    double sum = 0.0, shift = load(x, b * K + top); /* subtracted so that exp cannot overflow */
    for (int64_t k = 0; k < K; k++) {
        sum += exp(load(x, b * K + k) - shift);
    }
    *largest = top;
    *log_sum = shift + log(sum);
    return label < 0 || label >= K ? (double)NAN : *log_sum - load(x, b * K + label);
}

/* x [B,K], labels I64 [B] -> sums F64 [2] (weighted loss, number correct), dx [B,K] or NULL. */
odeon_status reference_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                             const odeon_tensor *labels, double weight,
                                             const odeon_tensor *sums, const odeon_tensor *dx)
{
    ODEON_TRY(reference_expect_real(queue, "softmax_cross_entropy: x", x, 2));
    int64_t B = x->dim[0], K = x->dim[1], two = 2;
    ODEON_TRY(
        reference_expect(queue, "softmax_cross_entropy: labels", labels, ODEON_DTYPE_I64, 1, &B));
    ODEON_TRY(
        reference_expect(queue, "softmax_cross_entropy: sums", sums, ODEON_DTYPE_F64, 1, &two));
    if (dx != NULL) {
        ODEON_TRY(reference_expect_like(queue, "softmax_cross_entropy: dx", dx, x));
    }
    double total = 0.0, correct = 0.0;
    for (int64_t b = 0; b < B && K > 0; b++) {
        int64_t largest, label = ((const int64_t *)labels->data)[b];
        double log_sum, loss = row_loss(x, b, label, &largest, &log_sum);
        total += loss;
        correct += largest == label && !isnan(loss) ? 1.0 : 0.0;
        for (int64_t k = 0; dx != NULL && k < K; k++) {
            double softmax = exp(load(x, b * K + k) - log_sum);
            store(dx, b * K + k, weight * (softmax - (k == label ? 1.0 : 0.0)));
        }
    }
    store(sums, 0, weight * total);
    store(sums, 1, correct);
    return ODEON_OK;
}

/* The loss e(d) and its derivative *slope. Comparisons are ordered such that NaN gives NaN. */
static double difference(int32_t kind, double beta, double d, double *slope)
{
    double sign = d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : d; /* 0 and NaN stay */
    switch (kind) {
    case ODEON_DIFFERENCE_SQUARE:
        *slope = 2.0 * d;
        return d * d;
    case ODEON_DIFFERENCE_ABS:
        *slope = sign;
        return fabs(d);
    default:
        *slope = fabs(d) < beta ? d / beta : sign;
        return fabs(d) < beta ? d * d / (2.0 * beta) : fabs(d) - beta / 2.0;
    }
}

/* x, target, mask or NULL, dx or NULL: any shapes of one count; sums F64 [2]. Masked elements are
 * skipped rather than multiplied by 0, as 0 * NaN is NaN. */
odeon_status reference_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                       const odeon_tensor *x, const odeon_tensor *target,
                                       const odeon_tensor *mask, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx)
{
    int64_t two = 2;
    ODEON_TRY(reference_expect_true(queue, kind >= 0 && kind < ODEON_DIFFERENCE_COUNT,
                                    "difference_loss: the kind is none of ODEON_DIFFERENCE_"));
    ODEON_TRY(reference_expect_real(queue, "difference_loss: x", x, 0));
    ODEON_TRY(reference_expect_like(queue, "difference_loss: target", target, x));
    ODEON_TRY(reference_expect_like(queue, "difference_loss: mask", mask != NULL ? mask : x, x));
    ODEON_TRY(reference_expect_like(queue, "difference_loss: dx", dx != NULL ? dx : x, x));
    ODEON_TRY(reference_expect(queue, "difference_loss: sums", sums, ODEON_DTYPE_F64, 1, &two));
    double total = 0.0, distance = 0.0;
    for (int64_t i = 0; i < odeon_count(x); i++) {
        double d = load(x, i) - load(target, i), part = mask != NULL ? load(mask, i) : 1.0, slope;
        double e = difference(kind, beta, d, &slope);
        int32_t counts = part != 0.0;
        total += counts ? part * e : 0.0;
        distance += counts ? part * fabs(d) : 0.0;
        if (dx != NULL) {
            store(dx, i, counts ? weight * part * slope : 0.0);
        }
    }
    store(sums, 0, weight * total);
    store(sums, 1, distance);
    return ODEON_OK;
}

/* ---- optimizers ---- */

/* p, g, v [n]. The first step sets v = g' instead of momentum v + g', as torch.optim.SGD. */
odeon_status reference_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                const odeon_tensor *v, double lr, double momentum, double decay,
                                int32_t nesterov, int32_t first)
{
    ODEON_TRY(reference_expect_real(queue, "sgd_step: p", p, 0));
    ODEON_TRY(reference_expect_like(queue, "sgd_step: g", g, p));
    if (momentum != 0.0) {
        ODEON_TRY(reference_expect_true(queue, v != NULL, "sgd_step: momentum without v"));
        ODEON_TRY(reference_expect_like(queue, "sgd_step: v", v, p));
    }
    for (int64_t i = 0; i < odeon_count(p); i++) {
        double slope = load(g, i) + decay * load(p, i);
        double direction = slope;
        if (momentum != 0.0) {
            double velocity = first ? slope : momentum * load(v, i) + slope;
            store(v, i, velocity);
            direction = nesterov ? slope + momentum * velocity : velocity;
        }
        store(p, i, load(p, i) - lr * direction);
    }
    return ODEON_OK;
}

/* p, g, m, v [n]. Source: Kingma, Ba, Adam, 2015, alg. 1; decay_decoupled: Loshchilov, Hutter,
 * AdamW, 2019, alg. 2. */
odeon_status reference_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                 const odeon_tensor *m, const odeon_tensor *v,
                                 const odeon_adam *constants)
{
    const odeon_adam *a = constants;
    ODEON_TRY(reference_expect_real(queue, "adam_step: p", p, 0));
    ODEON_TRY(reference_expect_like(queue, "adam_step: g", g, p));
    ODEON_TRY(reference_expect_like(queue, "adam_step: m", m, p));
    ODEON_TRY(reference_expect_like(queue, "adam_step: v", v, p));
    double bias1 = 1.0 - pow(a->beta1, (double)a->step);
    double bias2 = 1.0 - pow(a->beta2, (double)a->step);
    for (int64_t i = 0; i < odeon_count(p); i++) {
        double parameter = load(p, i) - a->lr * a->decay_decoupled * load(p, i);
        double slope = load(g, i) + a->decay_l2 * parameter;
        double mean = a->beta1 * load(m, i) + (1.0 - a->beta1) * slope;
        double square = a->beta2 * load(v, i) + (1.0 - a->beta2) * slope * slope;
        store(m, i, mean);
        store(v, i, square);
        store(p, i, parameter - a->lr / bias1 * mean / (sqrt(square) / sqrt(bias2) + a->epsilon));
    }
    return ODEON_OK;
}

/* p, g, v, mean or NULL, buffer or NULL [n]; as torch.optim.RMSprop, but with max(0, .) before the
 * root. */
odeon_status reference_rmsprop_step(odeon_queue *queue, const odeon_tensor *p,
                                    const odeon_tensor *g, const odeon_tensor *v,
                                    const odeon_tensor *mean, const odeon_tensor *buffer,
                                    const odeon_rmsprop *constants)
{
    const odeon_rmsprop *a = constants;
    ODEON_TRY(reference_expect_real(queue, "rmsprop_step: p", p, 0));
    ODEON_TRY(reference_expect_like(queue, "rmsprop_step: g", g, p));
    ODEON_TRY(reference_expect_like(queue, "rmsprop_step: v", v, p));
    ODEON_TRY(reference_expect_like(queue, "rmsprop_step: mean", mean != NULL ? mean : p, p));
    ODEON_TRY(reference_expect_like(queue, "rmsprop_step: buffer", buffer != NULL ? buffer : p, p));
    for (int64_t i = 0; i < odeon_count(p); i++) {
        double slope = load(g, i) + a->decay * load(p, i);
        double square = a->alpha * load(v, i) + (1.0 - a->alpha) * slope * slope, spread = square;
        store(v, i, square);
        if (mean != NULL) {
            double average = a->alpha * load(mean, i) + (1.0 - a->alpha) * slope;
            store(mean, i, average);
            spread = square - average * average;
            spread = spread < 0.0 ? 0.0 : spread; /* rounding can make it negative; NaN stays */
        }
        double step = slope / (sqrt(spread) + a->epsilon);
        if (buffer != NULL) {
            step += a->momentum * load(buffer, i);
            store(buffer, i, step);
        }
        store(p, i, load(p, i) - a->lr * step);
    }
    return ODEON_OK;
}
