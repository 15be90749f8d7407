/* device_loss.h: family loss: losses with their gradients.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models; to be frozen with
 * loss.h, at 1.1. */
#ifndef ODEON_DEVICE_LOSS_H
#define ODEON_DEVICE_LOSS_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far x is from its target, d = x - target: SQUARE d^2; ABS |d|, derivative 0 at 0; SMOOTH
 * d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (beta > 0), as PyTorch's SmoothL1Loss. */
enum {
    ODEON_DIFFERENCE_SQUARE = 0,
    ODEON_DIFFERENCE_ABS = 1,
    ODEON_DIFFERENCE_SMOOTH = 2,
    ODEON_DIFFERENCE_COUNT
};

/* Bits of softmax_cross_entropy. */
enum {
    /* The fields from smoothing on count. */
    ODEON_CROSS_ENTROPY_WEIGHED = 1 << 16
};

/* x[B,K] logits, labels I64 [B]. sums F64 [2] = weight * sum of -log softmax(x)[label], and the
 * number of rows whose first largest element is the label. dx = weight * (softmax(x) - onehot)
 * (NULL: not wanted). A label outside [0, K) or a NaN row gives a NaN loss.
 *
 * With ODEON_CROSS_ENTROPY_WEIGHED row b counts mask[b] times, not at all where that is 0, also
 * among the rows that are right, and its loss is, with p = softmax(x) and c = class_weight,
 *
 *   (1 - smoothing) c[label] (-log p[label]) + smoothing / K sum over k of c[k] (-log p[k])
 *
 * as torch.nn.CrossEntropyLoss has it, up to the mean, which weight makes of the sum. */
typedef struct odeon_softmax_cross_entropy {
    uint32_t struct_size, flags;
    const odeon_view *x, *labels;
    const odeon_tensor *sums, *dx;
    double weight;
    double smoothing;           /* 0 to 1 */
    const double *class_weight; /* [n] on the host, n = K, each >= 0; NULL: 1 everywhere */
    int32_t n, reserved0;
    const odeon_view *mask; /* [B] of x's dtype, or NULL: 1 everywhere */
} odeon_softmax_cross_entropy;

/* x, target, mask (NULL: 1 everywhere) and dx (NULL: not wanted) of one count; kind is one of
 * ODEON_DIFFERENCE_, of the function e. sums F64 [2] = weight * sum of mask * e, and the sum of
 * mask * |x - target|. dx = weight * mask * e'. Where mask is 0 an element adds nothing and its dx
 * is 0, whatever x and target are. */
typedef struct odeon_difference_loss {
    uint32_t struct_size, flags;
    const odeon_view *x, *target, *mask;
    const odeon_tensor *sums, *dx;
    double weight, beta;
    int32_t kind, reserved0;
} odeon_difference_loss;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_loss_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*softmax_cross_entropy)(odeon_queue *queue,
                                          const odeon_softmax_cross_entropy *call);
    odeon_status (*difference_loss)(odeon_queue *queue, const odeon_difference_loss *call);
};

#ifdef __cplusplus
}
#endif
#endif
