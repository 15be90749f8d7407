/* run_sums.h: sums over runs of consecutive numbers in the dtype itself, for normalization. A run
 * is cut into blocks of at most RUN_BLOCK numbers; those of a block are added in SUM_LANES lanes,
 * the lanes as a tree, and the blocks in double. So a lane adds at most RUN_BLOCK / SUM_LANES
 * terms, the error is that of a few roundings, and the order depends on the count alone: all
 * instruction sets give the same bits. A block fits into the first-level cache, where it may be
 * read twice. Several blocks go through a loop side by side, since an addition waits for the one
 * before it in its lane. */
#ifndef ODEON_CPU_RUN_SUMS_H
#define ODEON_CPU_RUN_SUMS_H
#include <stdint.h>
#include <string.h>

#include "lanes.h"

typedef int64_t vec_bits __attribute__((vector_size(VECTOR_BYTES)));
typedef real quad __attribute__((vector_size(4 * sizeof(real))));

/* The lanes are WIDTH wide parts, of which PER_PASS go through a block together, and through
 * BLOCKS_AT_ONCE of them where there are as many. */
enum { RUN_BLOCK = 1024, SUM_LANES = 16, WIDTH = VECTOR_BYTES / sizeof(real) };
enum { SUM_PARTS = SUM_LANES / WIDTH, PER_PASS = SUM_PARTS > 1 ? 2 : 1 };
enum { BLOCKS_AT_ONCE = 4 / PER_PASS };

/* The numbers of v, lanes at, at + 1, ... of SUM_LANES, where they belong to the last count lanes;
 * elsewhere 0. */
ALWAYS_INLINE vec vec_keep_last(vec v, int64_t at, int64_t count)
{
    static const int64_t bits[2 * SUM_LANES] = {
        [SUM_LANES] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const char *keep = (const char *)(bits + SUM_LANES);
    vec_bits mask;
    memcpy(&mask, keep + (at + count - SUM_LANES) * (int64_t)sizeof(real), sizeof mask);
    return (vec)((vec_bits)v & mask);
}

/* As a tree: lane l and l + 8, the sums l and l + 4, and so on. */
ALWAYS_INLINE double lanes_sum(const real *t)
{
    quad q[4];
    memcpy(q, t, sizeof q);
    quad s = (q[0] + q[2]) + (q[1] + q[3]);
    return (double)((s[0] + s[2]) + (s[1] + s[3]));
}

/* What is summed over one or two rows of numbers: terms a and b. */
enum {
    SUM_PLAIN = 0, /* a = x */
    SUM_CENTRED,   /* a = x - centre, b = (x - centre)^2 */
    SUM_MOMENT
}; /* a = y, b = (x - centre) y */

typedef struct two_sums {
    double a, b;
} two_sums;

/* kind is a constant in all that follows. */
ALWAYS_INLINE vec term_a(int kind, vec x, vec y, real centre)
{
    return kind == SUM_PLAIN ? x : kind == SUM_CENTRED ? x - centre : y;
}

ALWAYS_INLINE vec term_b(int kind, vec x, vec y, real centre)
{
    vec d = x - centre;
    return kind == SUM_CENTRED ? d * d : d * y;
}

/* Lanes of the sums over some blocks: PER_PASS vectors of each. */
typedef struct pass_sums {
    vec a[BLOCKS_AT_ONCE][PER_PASS], b[BLOCKS_AT_ONCE][PER_PASS];
} pass_sums;

/* Blocks of count numbers at x, x + stride, ..., with y beside them and a centre each. */
typedef struct sum_blocks {
    int64_t count, stride;
    const real *x, *y, *centre;
} sum_blocks;

/* Adds the terms of numbers i, i + 1, ... of n blocks; of all, or, with rest, of those that belong
 * to the last rest lanes. n is a constant in all that follows. */
ALWAYS_INLINE void add_terms(int kind, int n, const sum_blocks *s, int64_t i, int64_t at,
                             int64_t rest, pass_sums *sums)
{
    for (int r = 0; r < n; r++) {
        for (int p = 0; p < PER_PASS; p++) {
            const real *x = s->x + r * s->stride + i + p * WIDTH;
            vec now = load(x);
            vec y = kind == SUM_MOMENT ? load(s->y + (x - s->x)) : now;
            vec a = term_a(kind, now, y, s->centre[r]), b = term_b(kind, now, y, s->centre[r]);
            sums->a[r][p] += rest > 0 ? vec_keep_last(a, at + p * WIDTH, rest) : a;
            sums->b[r][p] += rest > 0 ? vec_keep_last(b, at + p * WIDTH, rest) : b;
        }
    }
}

/* Lanes at, at + 1, ... (PER_PASS vectors) of the sums over n blocks, count >= SUM_LANES. The
 * remainder is read as the last SUM_LANES numbers, less those that are counted already. */
ALWAYS_INLINE void sum_pass(int kind, int n, const sum_blocks *s, int64_t at, real (*a)[SUM_LANES],
                            real (*b)[SUM_LANES])
{
    pass_sums sums = {{{{0}}}, {{{0}}}};
    int64_t rest = s->count % SUM_LANES;
    for (int64_t i = at; i + SUM_LANES <= s->count + at; i += SUM_LANES) {
        add_terms(kind, n, s, i, at, 0, &sums);
    }
    if (rest > 0) {
        add_terms(kind, n, s, s->count - SUM_LANES + at, at, rest, &sums);
    }
    for (int r = 0; r < n; r++) {
        memcpy(a[r] + at, sums.a[r], sizeof sums.a[r]);
        memcpy(b[r] + at, sums.b[r], sizeof sums.b[r]);
    }
}

/* Fewer than SUM_LANES numbers one after the other. */
ALWAYS_INLINE two_sums few_sums(int kind, int64_t count, const real *x, const real *y, real centre)
{
    real a = 0, b = 0;
    for (int64_t i = 0; i < count; i++) {
        real d = x[i] - centre;
        a += kind == SUM_PLAIN ? x[i] : kind == SUM_CENTRED ? d : y[i];
        b += kind == SUM_CENTRED ? d * d : d * y[i];
    }
    return (two_sums){(double)a, (double)b};
}

/* Of n blocks; y is read by SUM_MOMENT alone; count <= RUN_BLOCK. */
ALWAYS_INLINE void blocks_sums(int kind, int n, const sum_blocks *s, two_sums *out)
{
    real a[BLOCKS_AT_ONCE][SUM_LANES], b[BLOCKS_AT_ONCE][SUM_LANES];
    if (s->count < SUM_LANES) {
        for (int r = 0; r < n; r++) {
            out[r] =
                few_sums(kind, s->count, s->x + r * s->stride, s->y + r * s->stride, s->centre[r]);
        }
        return;
    }
    for (int64_t at = 0; at < SUM_LANES; at += PER_PASS * WIDTH) {
        sum_pass(kind, n, s, at, a, b);
    }
    for (int r = 0; r < n; r++) {
        out[r] = (two_sums){lanes_sum(a[r]), kind == SUM_PLAIN ? 0.0 : lanes_sum(b[r])};
    }
}

ALWAYS_INLINE two_sums block_sums(int kind, int64_t count, const real *x, const real *y,
                                  real centre)
{
    const sum_blocks one = {.count = count, .x = x, .y = y, .centre = &centre};
    two_sums sums;
    blocks_sums(kind, 1, &one, &sums);
    return sums;
}

/* The sum of x [count]. */
ALWAYS_INLINE double run_sum(int64_t count, const real *x)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = count - i < RUN_BLOCK ? count - i : RUN_BLOCK;
        sum += block_sums(SUM_PLAIN, now, x + i, x + i, 0).a;
    }
    return sum;
}

/* a = the sum of dy [count], b = that of (x - centre) dy. centre is rounded for the products, which
 * the sum of dy makes good. */
ALWAYS_INLINE two_sums run_moment(int64_t count, const real *x, double centre, const real *dy)
{
    two_sums sum = {0.0, 0.0};
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = count - i < RUN_BLOCK ? count - i : RUN_BLOCK;
        two_sums block = block_sums(SUM_MOMENT, now, x + i, dy + i, (real)centre);
        sum.a += block.a;
        sum.b += block.b;
    }
    sum.b -= (centre - (double)(real)centre) * sum.a;
    return sum;
}

/* The sum of (x - centre)^2 over x [count]. */
ALWAYS_INLINE double run_squares(int64_t count, const real *x, double centre)
{
    double squares = 0.0, off = centre - (double)(real)centre;
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = count - i < RUN_BLOCK ? count - i : RUN_BLOCK;
        two_sums about = block_sums(SUM_CENTRED, now, x + i, x + i, (real)centre);
        squares += about.b - 2.0 * off * about.a + off * off * (double)now;
    }
    return squares;
}

/* Count, mean, and sum of squared distances from it. */
typedef struct moments {
    double count, mean, squares;
} moments;

/* The moments of two sets of numbers together. Source: Chan, Golub, LeVeque, Algorithms for
 * computing the sample variance, 1983, eq. 2.1. */
ALWAYS_INLINE moments moments_join(moments a, moments b)
{
    double count = a.count + b.count, distance = b.mean - a.mean;
    if (a.count == 0.0) {
        return b;
    }
    return (moments){count, a.mean + distance * (b.count / count),
                     a.squares + b.squares + distance * distance * (a.count * (b.count / count))};
}

/* Of x [count], count >= 1, by distances from centre: digits are lost as far as it is away from the
 * mean by more than numbers are from each other. */
ALWAYS_INLINE moments run_moments_about(int64_t count, const real *x, double centre)
{
    two_sums sum = {0.0, 0.0};
    double n = (double)count;
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = count - i < RUN_BLOCK ? count - i : RUN_BLOCK;
        two_sums block = block_sums(SUM_CENTRED, now, x + i, x + i, (real)centre);
        sum.a += block.a;
        sum.b += block.b;
    }
    return (moments){n, (double)(real)centre + sum.a / n, sum.b - sum.a * (sum.a / n)};
}

/* Of n blocks x, x + stride, ... [count] each. Distances are taken from a centre near the block's
 * mean: nothing cancels, however far the numbers are from 0. */
ALWAYS_INLINE void blocks_moments(int n, int64_t count, int64_t stride, const real *x, moments *out)
{
    real centre[BLOCKS_AT_ONCE] = {0};
    two_sums plain[BLOCKS_AT_ONCE], about[BLOCKS_AT_ONCE];
    const sum_blocks s = {.count = count, .stride = stride, .x = x, .y = x, .centre = centre};
    double size = (double)count;
    blocks_sums(SUM_PLAIN, n, &s, plain);
    for (int r = 0; r < n; r++) {
        centre[r] = (real)(plain[r].a / size);
    }
    blocks_sums(SUM_CENTRED, n, &s, about);
    for (int r = 0; r < n; r++) {
        two_sums sums = about[r];
        out[r] =
            (moments){size, (double)centre[r] + sums.a / size, sums.b - sums.a * (sums.a / size)};
    }
}

/* Of x [count], count >= 1, which is read once from memory. */
ALWAYS_INLINE moments run_moments(int64_t count, const real *x)
{
    enum { WHOLE = BLOCKS_AT_ONCE * RUN_BLOCK };
    moments all = {0.0, 0.0, 0.0}, some[BLOCKS_AT_ONCE];
    int64_t i = 0;
    for (; i + WHOLE <= count; i += WHOLE) {
        blocks_moments(BLOCKS_AT_ONCE, RUN_BLOCK, RUN_BLOCK, x + i, some);
        for (int r = 0; r < BLOCKS_AT_ONCE; r++) {
            all = moments_join(all, some[r]);
        }
    }
    for (; i < count; i += RUN_BLOCK) {
        blocks_moments(1, count - i < RUN_BLOCK ? count - i : RUN_BLOCK, 0, x + i, some);
        all = moments_join(all, some[0]);
    }
    return all;
}

/* Of n runs one behind the other, count >= 1 numbers each, BLOCKS_AT_ONCE of them at most; more
 * than one are blocks. */
ALWAYS_INLINE void runs_moments(int64_t n, int64_t count, const real *x, moments *out)
{
    if (n == BLOCKS_AT_ONCE) {
        blocks_moments(BLOCKS_AT_ONCE, count, count, x, out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = run_moments(count, x + i * count);
    }
}

#endif
