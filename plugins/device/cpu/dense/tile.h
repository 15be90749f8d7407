/* tile.h: the innermost loops of a product: a tile of rows x vectors sums of c, kept in registers
 * over all terms. Every element is one chain of fused multiply-adds over k, whatever the tile's
 * shape: so a row of c does not depend on the rows beside it. */
#ifndef ODEON_CPU_DENSE_TILE_H
#define ODEON_CPU_DENSE_TILE_H
#include "vectors.h"

/* Rows of the largest tile with two vectors a row, 12 sums in 16 registers and 28 in 32, and with
 * one. */
enum { ROWS = VECTOR_BYTES == 64 ? 14 : 6, ROWS_OF_ONE = VECTOR_BYTES == 64 ? 14 : 12 };

enum { TILE_ADD = 1, TILE_SCALE = 2, TILE_BIAS = 4, TILE_RELU = 8 };

/* c[i][j] = sum over k < depth of a[i][k] b[k][j], with flags: plus c (ADD), or times alpha and,
 * with ADD, plus beta c (SCALE), plus bias[j] (BIAS), then ReLU. The two vectors of columns may
 * overlap, so that any number of columns from VL on is covered without reading or writing beyond
 * them. */
typedef struct tile_call {
    int64_t depth;
    int64_t a_row,
        a_term; /* numbers from one row of op(a) to the next, from one term to the next */
    int64_t b_term, b_second; /* from one term to the next, from the first vector to the second */
    int64_t c_row, c_second;
    real alpha, beta;
    uint32_t flags;
} tile_call;

ALWAYS_INLINE vec rectified(vec v)
{
    vec_bits negative = (vec_bits)(v <= (vec){0}); /* all ones or zeros; NaN is passed on */
    return (vec)((vec_bits)v & ~negative);
}

/* sum [rows][2] -> c as the flags say. flags is a constant wherever this is inlined. Both vectors
 * of a row of c are read before one is written, as they may overlap. */
ALWAYS_INLINE void finish_rows(uint32_t flags, int rows, int vectors, const tile_call *t,
                               const vec (*sum)[2], const real *bias, real *c)
{
    int64_t second = vectors == 2 ? t->c_second : 0;
    for (int i = 0; i < rows; i++, c += t->c_row) {
        vec v[2] = {sum[i][0], sum[i][vectors - 1]};
        UNROLL for (int j = 0; j < 2; j++)
        {
            if (flags & TILE_SCALE) {
                v[j] = v[j] * t->alpha;
            }
            if (flags & TILE_ADD) {
                vec old = load(c + j * second);
                v[j] = v[j] + (flags & TILE_SCALE ? old * t->beta : old);
            }
            if (flags & TILE_BIAS) {
                v[j] = v[j] + load(bias + j * second);
            }
            v[j] = flags & TILE_RELU ? rectified(v[j]) : v[j];
        }
        store(c, v[0]);
        store(c + second, v[1]);
    }
}

/* What a tile does when its sums are not just stored; the usual cases have loops of their own. */
NOT_INLINE void finish(int rows, int vectors, const tile_call *t, const vec (*sum)[2],
                       const real *bias, real *c)
{
    switch (t->flags) {
    case TILE_ADD:
        finish_rows(TILE_ADD, rows, vectors, t, sum, bias, c);
        break;
    case TILE_BIAS:
        finish_rows(TILE_BIAS, rows, vectors, t, sum, bias, c);
        break;
    default:
        finish_rows(t->flags, rows, vectors, t, sum, bias, c);
        break;
    }
}

/* rows, vectors and strided are constants wherever this is inlined. With strided the rows of a are
 * a_row apart and the terms beside each other; rows are addressed from every fourth, which
 * processor addresses reach by one stride and three times it. Otherwise the rows are beside each
 * other. */
ALWAYS_INLINE void tile(int rows, int vectors, int strided, const tile_call *t, const real *a,
                        const real *b, const real *bias, real *c)
{
    vec sum[ROWS_OF_ONE][2];
    const real *group[4] = {a, a + 4 * t->a_row, a + 8 * t->a_row, a + 12 * t->a_row};
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
        {
            sum[i][j] = (vec){0};
        }
    }
    if (t->flags & TILE_ADD) { /* c is wanted when the sums are ready */
        UNROLL for (int i = 0; i < rows; i++)
        {
            __builtin_prefetch(c + i * t->c_row, 1);
            __builtin_prefetch(c + i * t->c_row + vectors * VL - 1, 1);
        }
    }
    for (int64_t k = t->depth; k > 0; k--) {
        vec y[2];
        UNROLL for (int j = 0; j < vectors; j++)
        {
            y[j] = load(b + j * t->b_second);
        }
        UNROLL for (int i = 0; i < rows; i++)
        {
            real x = strided ? group[i / 4][i % 4 * t->a_row] : group[0][i];
            UNROLL for (int j = 0; j < vectors; j++)
            {
                sum[i][j] += x * y[j];
            }
        }
        __builtin_prefetch(b + 4 * VL); /* the panel after the next, where terms are rows of b */
        b += t->b_term;
        UNROLL for (int i = 0; i < 4; i++)
        {
            group[i] += strided ? 1 : t->a_term;
        }
    }
    const int64_t c_row = t->c_row, c_second = vectors == 2 ? t->c_second : 0;
    if (t->flags == 0) {
        UNROLL for (int i = 0; i < rows; i++)
        {
            UNROLL for (int j = 0; j < vectors; j++)
            {
                store(c + i * c_row + j * c_second, sum[i][j]);
            }
        }
        return;
    }
    if (t->flags == TILE_ADD) {
        UNROLL for (int i = 0; i < rows; i++)
        {
            vec low = load(c + i * c_row), high = load(c + i * c_row + c_second);
            store(c + i * c_row, low + sum[i][0]);
            if (vectors == 2) {
                store(c + i * c_row + c_second, high + sum[i][vectors - 1]);
            }
        }
        return;
    }
    if (t->flags == (TILE_BIAS | TILE_RELU)) {
        vec low = load(bias), high = load(bias + c_second);
        UNROLL for (int i = 0; i < rows; i++)
        {
            store(c + i * c_row, rectified(sum[i][0] + low));
            if (vectors == 2) {
                store(c + i * c_row + c_second, rectified(sum[i][vectors - 1] + high));
            }
        }
        return;
    }
    vec kept[ROWS_OF_ONE][2]; /* a copy, so that sum itself has no address and stays in registers */
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < vectors; j++)
        {
            kept[i][j] = sum[i][j];
        }
    }
    finish(rows, vectors, t, (const vec(*)[2])kept, bias, c);
}

/* The tiles of one kind. */
ALWAYS_INLINE void tile_of(int rows, int vectors, int strided, const tile_call *t, const real *a,
                           const real *b, const real *bias, real *c)
{
#define TILE_CASE(n)                                                                               \
    case n:                                                                                        \
        tile(n <= most ? n : 1, vectors, strided, t, a, b, bias, c);                               \
        break;
    const int most = vectors == 1 ? ROWS_OF_ONE : ROWS; /* more rows never come */
    switch (rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
        TILE_CASE(13)
        TILE_CASE(14)
    default:
        break;
    }
#undef TILE_CASE
}

typedef void tile_function(int rows, const tile_call *t, const real *a, const real *b,
                           const real *bias, real *c);

NOT_INLINE void tile_one(int rows, const tile_call *t, const real *a, const real *b,
                         const real *bias, real *c)
{
    tile_of(rows, 1, 0, t, a, b, bias, c);
}

NOT_INLINE void tile_two(int rows, const tile_call *t, const real *a, const real *b,
                         const real *bias, real *c)
{
    tile_of(rows, 2, 0, t, a, b, bias, c);
}

NOT_INLINE void tile_one_strided(int rows, const tile_call *t, const real *a, const real *b,
                                 const real *bias, real *c)
{
    tile_of(rows, 1, 1, t, a, b, bias, c);
}

NOT_INLINE void tile_two_strided(int rows, const tile_call *t, const real *a, const real *b,
                                 const real *bias, real *c)
{
    tile_of(rows, 2, 1, t, a, b, bias, c);
}

static tile_function *const tile_functions[2][2] = {{tile_one, tile_two},
                                                    {tile_one_strided, tile_two_strided}};

/* c = alpha sum + beta c, then bias and ReLU, for a row of cols elements. */
static void finish_elements(const cpu_gemm_shape *p, const cpu_epilogue *e, int64_t cols,
                            const real *sum, const real *bias, real *c)
{
    const real alpha = (real)p->alpha, beta = (real)p->beta, zero = 0;
    if (alpha == 1 && beta == 0 && e->bias == NULL && !e->relu) {
        for (int64_t j = 0; j < cols; j++) {
            c[j] = sum[j];
        }
        return;
    }
    for (int64_t j = 0; j < cols; j++) {
        real value = alpha * sum[j];
        value = beta != 0 ? value + beta * c[j] : value;
        value = e->bias != NULL ? value + bias[j] : value;
        c[j] = e->relu && value <= zero ? zero : value;
    }
}

#endif
