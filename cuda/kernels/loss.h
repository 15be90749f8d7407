/* loss.h: losses. Blocks that are not alone leave two sums each for loss_finish. */
#ifndef ODEON_CUDA_KERNELS_LOSS_H
#define ODEON_CUDA_KERNELS_LOSS_H
#include "../kernel.h"
#include "odeon/device_loss.h"

/* sums = {weight * the first, the second} of partial[count,2], or of what one block has. */
typedef struct loss_sums {
    double *sums, *partial;
    double weight;
    int64_t count;
} loss_sums;

/* x[B,K], labels I64 [B]; lanes threads (a power of two) share a row. */
typedef struct softmax_args {
    const void *x;
    const int64_t *labels;
    void *dx; /* or NULL */
    int64_t B, K;
    int32_t lanes, reserved0;
    loss_sums to;
} softmax_args;

/* Weights of classes that a launch brings along. */
enum { FEW_CLASSES = 256 };

/* softmax_args whose row b counts mask[b] times (NULL: 1). smoothing is per class. weights: of the
 * classes, which add up to sum; NULL: those in few, where has_few, else 1 everywhere. */
typedef struct weighed_args {
    softmax_args of;
    const void *mask;
    const double *weights;
    double smoothing, rest, sum; /* rest: what is left to the label */
    int32_t has_few, reserved0;
    double few[FEW_CLASSES];
} weighed_args;

typedef struct difference_args {
    const void *x, *target, *mask; /* mask and dx may be NULL */
    void *dx;
    int64_t count;
    double beta;
    int32_t kind, reserved0;
    loss_sums to;
} difference_args;

enum {
    LOSS_PHASES = 2 + KERNEL_TREE_PHASES,
    SOFTMAX_SUM = 1 + KERNEL_TREE_PHASES, /* the phase that knows the largest of each row, */
    SOFTMAX_STORE = 2 * SOFTMAX_SUM,      /* the one that knows the sum of exp, */
    SOFTMAX_END = 3 * SOFTMAX_SUM,        /* and the one that knows the block's sums */
    SOFTMAX_PHASES = SOFTMAX_END + 1,
    SOFTMAX_DOUBLES = 4 /* of shared memory a thread */
};

/* Thread 0 hands on the sums of its block. */
KERNEL_FN void loss_store(const loss_sums *to, kernel_thread w, double one, double two)
{
    if (w.thread == 0 && w.blocks == 1) {
        to->sums[0] = to->weight * one;
        to->sums[1] = two;
    } else if (w.thread == 0) {
        to->partial[2 * w.block] = one;
        to->partial[2 * w.block + 1] = two;
    }
}

/* One block. */
KERNEL_FN void loss_finish(int32_t phase, const loss_sums *a, kernel_thread w, void *shared)
{
    double *one = (double *)shared, *two = one + w.threads;
    if (phase == 0) {
        double sums[2] = {0.0, 0.0};
        for (int64_t i = w.thread; i < a->count; i += w.threads) {
            sums[0] += a->partial[2 * i];
            sums[1] += a->partial[2 * i + 1];
        }
        one[w.thread] = sums[0];
        two[w.thread] = sums[1];
    } else if (phase <= KERNEL_TREE_PHASES) {
        kernel_tree_sum(phase, w, one);
        kernel_tree_sum(phase, w, two);
    } else {
        loss_store(a, w, one[0], two[0]);
    }
}

/* The threads of a row, side by side, agree on the first largest: phases 1 to KERNEL_TREE_PHASES
 * of a tree in each row. */
KERNEL_FN void softmax_tree(int32_t phase, int32_t lanes, kernel_thread w, double *most,
                            double *where)
{
    int32_t half = lanes >> phase, t = w.thread;
    if (t % lanes < half) {
        int32_t other = t + half;
        if (most[other] > most[t] || (most[other] == most[t] && where[other] < where[t])) {
            most[t] = most[other];
            where[t] = where[other];
        }
    }
}

/* What class k of all counts. */
KERNEL_FN double weighed_class(const weighed_args *a, int64_t k)
{
    return a->weights != NULL ? a->weights[k] : a->has_few ? a->few[k] : 1.0;
}

/* What it counts in the loss of a row of this label. */
KERNEL_FN double weighed_share(const weighed_args *a, int64_t k, int64_t label)
{
    return weighed_class(a, k) * (a->smoothing + (k == label ? a->rest : 0.0));
}

/* e of a difference d and, into *slope, its derivative. Written so that NaN gives NaN. */
KERNEL_FN double difference(int32_t kind, double beta, double d, double *slope)
{
    double sign = d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : d; /* 0 and NaN as they are */
    if (kind == ODEON_DIFFERENCE_SQUARE) {
        *slope = 2.0 * d;
        return d * d;
    }
    if (kind == ODEON_DIFFERENCE_SMOOTH && fabs(d) < beta) {
        *slope = d / beta;
        return d * d / (2.0 * beta);
    }
    *slope = sign;
    return kind == ODEON_DIFFERENCE_ABS ? fabs(d) : fabs(d) - beta / 2.0;
}

#endif
