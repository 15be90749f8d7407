/* norm.h: sums over channels, batch and group normalization; x[B,C,S]. */
#ifndef ODEON_CUDA_KERNELS_NORM_H
#define ODEON_CUDA_KERNELS_NORM_H
#include "moving.h"

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
    int64_t channels, space, rows, parts, part_rows;
    int32_t kind, lanes;
    double *partial;
    double *sums;            /* F64 [C], of NORMAL [2,C], overwritten; or NULL */
    void *add_one, *add_two; /* [C], added to; or NULL */
} channel_args;

/* y = act((x - mean) * rstd * w[C] + b[C]); w and b may be NULL. */
typedef struct batch_norm_args {
    const void *x, *w, *b;
    void *y;
    const double *stats; /* F64 [2,C] */
    int64_t count, channels, space;
    int32_t act, reserved0;
} batch_norm_args;

/* dx = w * rstd * (dy - sums[0] / count - (x - mean) * rstd * sums[1] / count) */
typedef struct batch_norm_vjp_args {
    const void *x, *w, *dy;
    void *dx;
    const double *stats, *sums; /* F64 [2,C] */
    int64_t elements, channels, space;
    double count;
} batch_norm_vjp_args;

/* Blocks of one group of one sample: n = each * space numbers. */
typedef struct group_norm_args {
    const void *x, *w, *b;
    void *y;
    double *stats; /* F64 [B,groups,2] */
    int64_t groups, each, space, n;
    double epsilon;
    int64_t act; /* a unary id */
} group_norm_args;

typedef struct group_norm_vjp_args {
    const void *x, *w, *dy;
    void *dx;
    const double *stats;
    int64_t groups, each, space, n;
} group_norm_vjp_args;

enum {
    CHANNEL_PHASES = 2 + KERNEL_TREE_PHASES,
    GROUP_CENTRE = 1 + KERNEL_TREE_PHASES, /* the phase that knows the mean, */
    GROUP_STORE = 2 * GROUP_CENTRE,        /* and the one that knows the variance */
    GROUP_PHASES = GROUP_STORE + 1,
    GROUP_VJP_PHASES = 2 + KERNEL_TREE_PHASES
};

KERNEL_FN const double *norm_stats_of(const norm_stats *at, int64_t b, int64_t c)
{
    return at->stats + b * at->sample + c / at->each * at->group;
}

/* kernel_tree_sum of each lane on its own: thread t has lane t mod lanes. */
KERNEL_FN void channel_tree(int32_t phase, int32_t lanes, kernel_thread w, double *shared)
{
    int32_t half = w.threads >> phase;
    if (half >= lanes && w.thread < half) {
        shared[w.thread] += shared[w.thread + half];
    }
}

#endif
