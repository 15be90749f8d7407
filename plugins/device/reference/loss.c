#include "odeon/device_loss.h"
#include "reference.h"

#include <math.h>
#include <stdbool.h>

/* The loss -log softmax(x[b])[label] of row b of x[B,K], NaN if label is no class; also the index
 * of its first largest element and log sum exp(x[b]). */
static double row_loss(const odeon_view *x, int64_t b, int64_t label, int64_t *largest,
                       double *log_sum)
{
    int64_t K = x->shape.dim[1], top = 0;
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

static double class_weight(const odeon_softmax_cross_entropy *call, int64_t k)
{
    return call->class_weight != NULL ? call->class_weight[k] : 1.0;
}

/* The loss of row b, whose log sum exp is log_sum, and, where it is wanted, its gradient times
 * scale. label is a class. */
static double weighed_row(const odeon_softmax_cross_entropy *call, int64_t b, int64_t label,
                          double log_sum, double scale)
{
    int64_t K = call->x->shape.dim[1];
    double loss = 0.0, all = 0.0; /* all: sum of what the classes count */
    for (int64_t k = 0; k < K; k++) {
        double part = call->smoothing / (double)K + (k == label ? 1.0 - call->smoothing : 0.0);
        double counts = part * class_weight(call, k);
        loss += counts != 0.0 ? counts * (log_sum - load(call->x, b * K + k)) : 0.0;
        all += counts;
    }
    for (int64_t k = 0; call->dx != NULL && k < K; k++) {
        double part = call->smoothing / (double)K + (k == label ? 1.0 - call->smoothing : 0.0);
        double softmax = exp(load(call->x, b * K + k) - log_sum);
        store(call->dx, b * K + k, scale * (all * softmax - part * class_weight(call, k)));
    }
    return loss;
}

/* A row that the mask counts out has gradient 0, whatever is in it. */
static double masked_row(const odeon_softmax_cross_entropy *call, int64_t b, double *right)
{
    int64_t K = call->x->shape.dim[1], largest;
    double part = call->mask != NULL ? load(call->mask, b) : 1.0;
    for (int64_t k = 0; part == 0.0 && call->dx != NULL && k < K; k++) {
        store(call->dx, b * K + k, 0.0);
    }
    if (part == 0.0) {
        return 0.0;
    }
    int64_t label = ((const int64_t *)odeon_read(call->labels))[b];
    double log_sum, loss = row_loss(call->x, b, label, &largest, &log_sum);
    *right += largest == label && !isnan(loss) ? part : 0.0;
    return label < 0 || label >= K
               ? (double)NAN
               : part * weighed_row(call, b, label, log_sum, call->weight * part);
}

static odeon_status weighed_cross_entropy(odeon_queue *queue,
                                          const odeon_softmax_cross_entropy *call)
{
    int64_t B = call->x->shape.dim[0], K = call->x->shape.dim[1];
    ODEON_TRY(reference_expect_true(queue, call->class_weight == NULL || call->n == K,
                                    "softmax_cross_entropy: class_weight is not of K numbers"));
    if (call->mask != NULL) {
        ODEON_TRY(reference_expect(queue, "softmax_cross_entropy: mask", &call->mask->shape,
                                   call->x->shape.dtype, 1, &B));
    }
    double total = 0.0, right = 0.0;
    for (int64_t b = 0; b < B && K > 0; b++) {
        total += masked_row(call, b, &right);
    }
    store(call->sums, 0, call->weight * total);
    store(call->sums, 1, right);
    return ODEON_OK;
}

/* x [B,K], labels I64 [B] -> sums F64 [2] (weighted loss, number correct), dx [B,K] or NULL. */
static odeon_status reference_softmax_cross_entropy(odeon_queue *queue,
                                                    const odeon_softmax_cross_entropy *call)
{
    ODEON_TRY(reference_begin(queue, "softmax_cross_entropy",
                              call->flags & ~(uint32_t)ODEON_CROSS_ENTROPY_WEIGHED));
    ODEON_TRY(reference_expect_real(queue, "softmax_cross_entropy: x", &call->x->shape, 2));
    int64_t B = call->x->shape.dim[0], K = call->x->shape.dim[1], two = 2;
    ODEON_TRY(reference_expect(queue, "softmax_cross_entropy: labels", &call->labels->shape,
                               ODEON_DTYPE_I64, 1, &B));
    ODEON_TRY(reference_expect(queue, "softmax_cross_entropy: sums", &call->sums->view.shape,
                               ODEON_DTYPE_F64, 1, &two));
    ODEON_TRY(reference_expect_optional(queue, "softmax_cross_entropy: dx", odeon_as_view(call->dx),
                                        &call->x->shape));
    if ((call->flags & ODEON_CROSS_ENTROPY_WEIGHED) != 0) {
        return weighed_cross_entropy(queue, call);
    }
    double total = 0.0, correct = 0.0;
    for (int64_t b = 0; b < B && K > 0; b++) {
        int64_t largest, label = ((const int64_t *)odeon_read(call->labels))[b];
        double log_sum, loss = row_loss(call->x, b, label, &largest, &log_sum);
        total += loss;
        correct += largest == label && !isnan(loss) ? 1.0 : 0.0;
        for (int64_t k = 0; call->dx != NULL && k < K; k++) {
            double softmax = exp(load(call->x, b * K + k) - log_sum);
            store(call->dx, b * K + k, call->weight * (softmax - (k == label ? 1.0 : 0.0)));
        }
    }
    store(call->sums, 0, call->weight * total);
    store(call->sums, 1, correct);
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
static odeon_status reference_difference_loss(odeon_queue *queue, const odeon_difference_loss *call)
{
    ODEON_TRY(reference_begin(queue, "difference_loss", call->flags));
    int64_t two = 2;
    ODEON_TRY(reference_expect_true(queue, call->kind >= 0 && call->kind < ODEON_DIFFERENCE_COUNT,
                                    "difference_loss: the kind is none of ODEON_DIFFERENCE_"));
    ODEON_TRY(reference_expect_real(queue, "difference_loss: x", &call->x->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "difference_loss: target", &call->target->shape,
                                    &call->x->shape));
    ODEON_TRY(
        reference_expect_optional(queue, "difference_loss: mask", call->mask, &call->x->shape));
    ODEON_TRY(reference_expect_optional(queue, "difference_loss: dx", odeon_as_view(call->dx),
                                        &call->x->shape));
    ODEON_TRY(reference_expect(queue, "difference_loss: sums", &call->sums->view.shape,
                               ODEON_DTYPE_F64, 1, &two));
    double total = 0.0, distance = 0.0;
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        double d = load(call->x, i) - load(call->target, i),
               part = call->mask != NULL ? load(call->mask, i) : 1.0, slope;
        double e = difference(call->kind, call->beta, d, &slope);
        int32_t counts = part != 0.0;
        total += counts ? part * e : 0.0;
        distance += counts ? part * fabs(d) : 0.0;
        if (call->dx != NULL) {
            store(call->dx, i, counts ? call->weight * part * slope : 0.0);
        }
    }
    store(call->sums, 0, call->weight * total);
    store(call->sums, 1, distance);
    return ODEON_OK;
}

const odeon_loss_family reference_loss = {
    .struct_size = sizeof(odeon_loss_family),
    .softmax_cross_entropy = reference_softmax_cross_entropy,
    .difference_loss = reference_difference_loss,
};
