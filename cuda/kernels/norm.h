/* norm.h: sums over channels, batch and group normalization; x[B,C,S]. */
#ifndef ODEON_CUDA_KERNELS_NORM_H
#define ODEON_CUDA_KERNELS_NORM_H
#include "moving.h"
#include "vector.h"

/* Where the mean of channel c in sample b stands: at b * sample + c / each * group of stats, and
 * its rstd so many doubles behind. each is at least 1. */
typedef struct norm_stats {
    const double *stats;
    int64_t sample, each, group, rstd;
} norm_stats;

/* What is summed up over the rows, B * S of them, of a channel: the second sum is of NORMAL. */
enum {
    CHANNEL_PLAIN = 0,   /* x */
    CHANNEL_CENTRED = 1, /* (x - mean)^2 */
    CHANNEL_NORMAL = 2   /* dy; dy * (x - mean) * rstd */
};

/* Blocks of lanes channels (a power of two, at most threads a block), each in so many parts of
 * part_rows rows. Several parts leave their sums in partial[parts,2,C] for channel_finish. */
typedef struct channel_args {
    const void *x, *dy;
    norm_stats at;
    int64_t channels, rows, part_rows;
    kernel_divisor space, parts;
    int32_t kind, lanes, lane_bits, reserved0; /* lane_bits: log2 of lanes */
    double *partial;
    double *sums;            /* F64 [C], of NORMAL [2,C], overwritten; or NULL */
    void *add_one, *add_two; /* [C], added to; or NULL */
} channel_args;

/* Mean and sum of squares about it, divided as channel_args says: of several parts each leaves its
 * own in partial. From them mean and 1 / sqrt(variance + epsilon), and the running state (NULL,
 * both: none), which takes a share of momentum of them. */
typedef struct batch_stats_args {
    channel_args of;
    double *stats; /* F64 [2,C] */
    void *running_mean, *running_variance;
    double momentum, epsilon;
} batch_stats_args;

typedef struct running_stats_args {
    const void *mean, *variance;
    double *stats; /* F64 [2,C] */
    int64_t channels;
    double epsilon;
} running_stats_args;

/* y = act((x - mean) * rstd * w[C] + b[C]); w and b may be NULL. */
typedef struct batch_norm_args {
    const void *x, *w, *b;
    void *y;
    const double *stats; /* F64 [2,C] */
    int64_t count;
    kernel_divisor channels, space;
    int32_t act, aligned; /* aligned: x and y lie where vectors may */
} batch_norm_args;

/* dx = w * rstd * (dy - sums[0] / count - (x - mean) * rstd * sums[1] / count) */
typedef struct batch_norm_vjp_args {
    const void *x, *w, *dy;
    void *dx;
    const double *stats, *sums; /* F64 [2,C] */
    int64_t elements;
    kernel_divisor channels, space;
    double per;                 /* 1 / count */
    int32_t aligned, reserved0; /* x, dy and dx lie where vectors may */
} batch_norm_vjp_args;

/* Blocks of one group of one sample: n = each * space numbers. held: shared memory keeps them
 * behind the sums, so that they are read once. aligned: of x and y every group lies where vectors
 * may. */
typedef struct group_norm_args {
    const void *x, *w, *b;
    void *y;
    double *stats; /* F64 [B,groups,2] */
    int64_t each, n;
    kernel_divisor groups, space;
    double epsilon;
    int32_t act, held; /* act: a unary id */
    int32_t aligned, reserved0;
} group_norm_args;

typedef struct group_norm_vjp_args {
    const void *x, *w, *dy;
    void *dx;
    const double *stats;
    int64_t each, n;
    kernel_divisor groups, space;
    int32_t aligned, reserved0; /* as of group_norm, of x, dy and dx */
} group_norm_vjp_args;

enum {
    CHANNEL_PHASES = 2 + KERNEL_TREE_PHASES,
    STATS_CENTRE = 1 + KERNEL_TREE_PHASES, /* the phase that knows the mean, */
    STATS_STORE = 2 * STATS_CENTRE,        /* and the one that knows the squares */
    STATS_PHASES = STATS_STORE + 1,
    GROUP_PHASES = 3,
    GROUP_VJP_PHASES = 2
};

KERNEL_FN const double *norm_stats_of(const norm_stats *at, int64_t b, int64_t c)
{
    return at->stats + b * at->sample + c / at->each * at->group;
}

KERNEL_FN int64_t channel_part_rows(const channel_args *a, int64_t part)
{
    int64_t from = part * a->part_rows, to = from + a->part_rows;
    return (to < a->rows ? to : a->rows) - from;
}

/* kernel_tree_sum of each lane on its own: thread t has lane t mod lanes. */
KERNEL_FN void channel_tree(int32_t phase, int32_t lanes, kernel_thread w, double *shared)
{
    int32_t half = w.threads >> phase;
    if (half >= lanes && w.thread < half) {
        shared[w.thread] += shared[w.thread + half];
    }
}

/* Blocks of one row of x[N,Q,K]; mask[sets,K,each] and lengths[sets], or NULL. */
typedef struct softmax_rows_args {
    const void *x, *mask, *lengths;
    void *y;
    int64_t Q, K, sets, each;
    int32_t causal, reserved0;
} softmax_rows_args;

typedef struct softmax_rows_vjp_args {
    const void *y, *dy;
    void *dx;
    int64_t K;
} softmax_rows_vjp_args;

enum {
    SOFTMAX_ROWS_SUM = 1 + KERNEL_TREE_PHASES, /* the phase that knows the largest, */
    SOFTMAX_ROWS_STORE = 2 * SOFTMAX_ROWS_SUM, /* and the one that knows the sum of exp */
    SOFTMAX_ROWS_PHASES = SOFTMAX_ROWS_STORE + 1,
    SOFTMAX_ROWS_DOUBLES = 2 /* of shared memory a thread */
};

#endif
