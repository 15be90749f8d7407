/* run_sums.h: sums over runs of consecutive numbers in the dtype itself, for normalization. A run
 * is cut into blocks of at most RUN_BLOCK numbers; those of a block are added in SUM_LANES lanes,
 * the lanes as a tree, and the blocks in double. So a lane adds at most RUN_BLOCK / SUM_LANES
 * terms, the error is that of a few roundings, and the order depends on the count alone: all
 * instruction sets give the same bits. A block fits into the first-level cache, where it may be
 * read twice. */
#ifndef ODEON_CPU_RUN_SUMS_H
#define ODEON_CPU_RUN_SUMS_H
#include <stdint.h>
#include <string.h>

#include "lanes.h"

typedef int64_t vec_bits __attribute__((vector_size(VECTOR_BYTES)));
typedef real quad __attribute__((vector_size(4 * sizeof(real))));

/* The lanes are WIDTH wide parts, of which PER_PASS go through a block together. */
enum { RUN_BLOCK = 1024, SUM_LANES = 16, WIDTH = VECTOR_BYTES / sizeof(real) };
enum { SUM_PARTS = SUM_LANES / WIDTH, PER_PASS = SUM_PARTS > 1 ? 2 : 1 };

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

/* Lanes at, at + 1, ... (PER_PASS vectors) of the sums over x, y [count], count >= SUM_LANES. The
 * remainder is read as the last SUM_LANES numbers, less those that are counted already. */
ALWAYS_INLINE void sum_pass(int kind, int64_t at, int64_t count, const real *x, const real *y,
                            real centre, real *a, real *b)
{
    vec a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0};
    int64_t i = at, rest = count % SUM_LANES, second = (PER_PASS - 1) * WIDTH;
    for (; i + SUM_LANES <= count + at; i += SUM_LANES) {
        vec x0 = load(x + i), x1 = load(x + i + second);
        vec y0 = kind == SUM_MOMENT ? load(y + i) : x0;
        vec y1 = kind == SUM_MOMENT ? load(y + i + second) : x1;
        a0 += term_a(kind, x0, y0, centre);
        b0 += term_b(kind, x0, y0, centre);
        a1 += term_a(kind, x1, y1, centre);
        b1 += term_b(kind, x1, y1, centre);
    }
    if (rest > 0) {
        i = count - SUM_LANES + at;
        vec x0 = load(x + i), x1 = load(x + i + second);
        vec y0 = kind == SUM_MOMENT ? load(y + i) : x0;
        vec y1 = kind == SUM_MOMENT ? load(y + i + second) : x1;
        a0 += vec_keep_last(term_a(kind, x0, y0, centre), at, rest);
        b0 += vec_keep_last(term_b(kind, x0, y0, centre), at, rest);
        a1 += vec_keep_last(term_a(kind, x1, y1, centre), at + second, rest);
        b1 += vec_keep_last(term_b(kind, x1, y1, centre), at + second, rest);
    }
    memcpy(a + at + second, &a1, sizeof a1);
    memcpy(b + at + second, &b1, sizeof b1);
    memcpy(a + at, &a0, sizeof a0);
    memcpy(b + at, &b0, sizeof b0);
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

/* y is read by SUM_MOMENT alone; count <= RUN_BLOCK. */
ALWAYS_INLINE two_sums block_sums(int kind, int64_t count, const real *x, const real *y,
                                  real centre)
{
    real a[SUM_LANES], b[SUM_LANES];
    if (count < SUM_LANES) {
        return few_sums(kind, count, x, y, centre);
    }
    for (int64_t at = 0; at < SUM_LANES; at += PER_PASS * WIDTH) {
        sum_pass(kind, at, count, x, y, centre, a, b);
    }
    return (two_sums){lanes_sum(a), kind == SUM_PLAIN ? 0.0 : lanes_sum(b)};
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

/* Of x [count], count >= 1, which is read once from memory. Distances are taken from a centre near
 * the block's mean: nothing cancels, however far the numbers are from 0. */
ALWAYS_INLINE moments run_moments(int64_t count, const real *x)
{
    moments all = {0.0, 0.0, 0.0};
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = count - i < RUN_BLOCK ? count - i : RUN_BLOCK;
        double n = (double)now;
        real centre = (real)(block_sums(SUM_PLAIN, now, x + i, x + i, 0).a / n);
        two_sums about = block_sums(SUM_CENTRED, now, x + i, x + i, centre);
        all = moments_join(
            all, (moments){n, (double)centre + about.a / n, about.b - about.a * (about.a / n)});
    }
    return all;
}

#endif
