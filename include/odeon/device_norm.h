/* device_norm.h: family norm: normalization over groups of channels and over batches, and softmax.
 *
 * Draft. To be seen before it is frozen: statistics over several workers on a device of other
 * hardware. */
#ifndef ODEON_DEVICE_NORM_H
#define ODEON_DEVICE_NORM_H
#include "odeon/device.h"
#include "odeon/device_pointwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x[B,C,S] in groups of C/groups channels (groups divides C): y = act((x - mean) * rstd * w[C] +
 * b[C]), variance biased, rstd = 1 / sqrt(variance + epsilon); w and b may both be NULL (1, 0);
 * act: a unary id up to ODEON_UNARY_LAST_EPILOGUE. stats F64 [B,groups,2] receives mean and rstd.
 * Source: Wu, He, Group Normalization, 2018, eqs. 1 to 6. */
typedef struct odeon_group_norm {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *b;
    const odeon_tensor *y, *stats;
    double epsilon;
    int32_t groups, act;
} odeon_group_norm;

/* dx (NULL: not wanted); adds to dw[C], db[C] (NULL: not wanted). */
typedef struct odeon_group_norm_vjp {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *stats, *dy;
    const odeon_tensor *dx, *dw, *db;
    int32_t groups, reserved0;
} odeon_group_norm_vjp;

/* Batch normalization in parts, with a collective between them; x[B,C,S]. Outputs of sums over no
 * elements are 0. out F64 [C] = the sum over B and S of x, or, given mean F64 [C], of (x - mean)^2.
 */
typedef struct odeon_channel_moment {
    uint32_t struct_size, flags;
    const odeon_view *x, *mean;
    const odeon_tensor *out;
} odeon_channel_moment;

/* y[B,C,S] = act((x - mean) * rstd * w[C] + b[C]); stats F64 [2,C]: the means, then 1 /
 * sqrt(variance
 * + epsilon); w and b may both be NULL (1, 0); act: a unary id up to ODEON_UNARY_LAST_EPILOGUE.
 * Source: Ioffe, Szegedy, Batch Normalization, 2015, alg. 1. */
typedef struct odeon_batch_norm {
    uint32_t struct_size, flags;
    const odeon_view *x, *stats, *w, *b;
    const odeon_tensor *y;
    int32_t act, reserved0;
} odeon_batch_norm;

/* sums F64 [2,C] = the sums over B and S of dy, and of dy * (x - mean) * rstd. */
typedef struct odeon_batch_norm_vjp_sums {
    uint32_t struct_size, flags;
    const odeon_view *x, *stats, *dy;
    const odeon_tensor *sums;
} odeon_batch_norm_vjp_sums;

/* dx = w * rstd * (dy - sums[0] / count - (x - mean) * rstd * sums[1] / count), where count numbers
 * of each channel went into stats; infinite: stats do not depend on x. */
typedef struct odeon_batch_norm_vjp {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *stats, *dy, *sums;
    const odeon_tensor *dx;
    double count;
} odeon_batch_norm_vjp;

/* y[N,Q,K]: each row of x[N,Q,K] becomes exp(x) / sum of exp(x) over those of its K numbers that
 * count, and 0 at all others, whatever stands there; a row of which none counts is 0. Number k of
 * row [n,q] counts unless
 *   - mask [M,K,...] (NULL: none) is 0 in all of [n % M, k]; M divides N;
 *   - lengths [M] (NULL: none) is at most k in [n % M];
 *   - causal is not 0 and k > q.
 * mask and lengths have x's dtype. Exponents are of x less the row's largest number that counts.
 * y may be x. Source: Vaswani and others, Attention is all you need, 2017, section 3.2. */
typedef struct odeon_softmax {
    uint32_t struct_size, flags;
    const odeon_view *x, *mask, *lengths;
    const odeon_tensor *y;
    int32_t causal, reserved0;
} odeon_softmax;

/* dx = y (dy - sum of y dy over the row), y being what softmax made; dx may be dy. */
typedef struct odeon_softmax_vjp {
    uint32_t struct_size, flags;
    const odeon_view *y, *dy;
    const odeon_tensor *dx;
} odeon_softmax_vjp;

/* The vjp of group_norm with its act: dy is the cotangent of what act gave, which is made from x
 * again. dx may be dy. */
typedef struct odeon_group_norm_act_vjp {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *b, *stats, *dy;
    const odeon_tensor *dx, *dw, *db;
    int32_t groups, act;
} odeon_group_norm_act_vjp;

/* batch_norm_vjp_sums and batch_norm_vjp of a batch_norm with its act, in the same way. dx may be
 * dy. */
typedef struct odeon_batch_norm_act_vjp_sums {
    uint32_t struct_size, flags;
    const odeon_view *x, *stats, *w, *b, *dy;
    const odeon_tensor *sums;
    int32_t act, reserved0;
} odeon_batch_norm_act_vjp_sums;

typedef struct odeon_batch_norm_act_vjp {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *b, *stats, *dy, *sums;
    const odeon_tensor *dx;
    double count;
    int32_t act, reserved0;
} odeon_batch_norm_act_vjp;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_norm_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*group_norm)(odeon_queue *queue, const odeon_group_norm *call);
    odeon_status (*group_norm_vjp)(odeon_queue *queue, const odeon_group_norm_vjp *call);
    odeon_status (*channel_moment)(odeon_queue *queue, const odeon_channel_moment *call);
    odeon_status (*batch_norm)(odeon_queue *queue, const odeon_batch_norm *call);
    odeon_status (*batch_norm_vjp_sums)(odeon_queue *queue, const odeon_batch_norm_vjp_sums *call);
    odeon_status (*batch_norm_vjp)(odeon_queue *queue, const odeon_batch_norm_vjp *call);

    /* ---- optional: NULL, or behind struct_size, where the device has them not. Both of softmax or
     * none; of the three behind them all or none, and a device that replaces one of those above
     * leaves these three out, since layers call them where they are ---- */

    odeon_status (*softmax)(odeon_queue *queue, const odeon_softmax *call);
    odeon_status (*softmax_vjp)(odeon_queue *queue, const odeon_softmax_vjp *call);
    odeon_status (*group_norm_act_vjp)(odeon_queue *queue, const odeon_group_norm_act_vjp *call);
    odeon_status (*batch_norm_act_vjp_sums)(odeon_queue *queue,
                                            const odeon_batch_norm_act_vjp_sums *call);
    odeon_status (*batch_norm_act_vjp)(odeon_queue *queue, const odeon_batch_norm_act_vjp *call);
};

#ifdef __cplusplus
}
#endif
#endif
