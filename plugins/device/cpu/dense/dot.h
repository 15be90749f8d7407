/* dot.h: products of rows by rows, c = a b^T, as dot products: few columns, many terms. Nothing is
 * packed. Vectors run along the terms, so an element's sum has VL parts, which are added at the
 * end; in an order that depends on the number of terms alone. */
#ifndef ODEON_CPU_DENSE_DOT_H
#define ODEON_CPU_DENSE_DOT_H
#include "tile.h"

/* A tile has DOT_ROWS x DOT_COLS sums: 12 of 16 registers, 24 of 32. A block has BLOCK_ROWS x
 * BLOCK_COLS sums; DOT_DEPTH terms of its rows and columns, and its sums, fit in 27 KiB. */
enum {
    DOT_ROWS = VECTOR_BYTES == 64 ? 6 : 3,
    DOT_COLS = 4,
    BLOCK_ROWS = 12,
    BLOCK_COLS = 16,
    DOT_DEPTH = 768 / (int)sizeof(real)
};

typedef struct dot_call {
    int64_t depth;        /* terms, all those of the sum or a multiple of VL */
    int64_t a_row, b_row; /* numbers from one row to the next */
    const real *a, *b;
    vec *sum;        /* [rows][sum_row] */
    int64_t sum_row; /* columns of the block */
    vec_bits lanes;  /* of the last terms, where VL does not divide depth */
} dot_call;

#define ONES_4 ~0u, ~0u, ~0u, ~0u

/* Ones in the last terms lanes, which are fewer than VL. */
static vec_bits last_lanes(int64_t terms)
{
    enum { WORDS = VECTOR_BYTES / 4, WORDS_OF_ONE = (int)sizeof(real) / 4 };
    static const uint32_t words[2 * WORDS] = {
        [WORDS] = ONES_4,
#if VECTOR_BYTES >= 32
        [WORDS + 4] = ONES_4,
#endif
#if VECTOR_BYTES >= 64
        [WORDS + 8] = ONES_4,
        [WORDS + 12] = ONES_4
#endif
    };
    vec_bits bits;
    memcpy(&bits, words + terms * WORDS_OF_ONE, sizeof bits);
    return bits;
}

/* The VL numbers before end, of which only those in lanes count. */
ALWAYS_INLINE vec load_last(const real *end, vec_bits lanes)
{
    return (vec)((vec_bits)load(end - VL) & lanes);
}

/* rows, cols are constants wherever this is inlined. */
ALWAYS_INLINE void dot_tile(int rows, int cols, const dot_call *d)
{
    vec sum[DOT_ROWS][DOT_COLS];
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < cols; j++)
        {
            sum[i][j] = d->sum[i * d->sum_row + j];
        }
    }
    int64_t whole = d->depth / VL * VL, last = d->depth - whole;
    for (int64_t k = 0; k < whole; k += VL) {
        vec y[DOT_COLS];
        UNROLL for (int j = 0; j < cols; j++)
        {
            y[j] = load(d->b + j * d->b_row + k);
        }
        UNROLL for (int i = 0; i < rows; i++)
        {
            vec x = load(d->a + i * d->a_row + k);
            UNROLL for (int j = 0; j < cols; j++)
            {
                sum[i][j] += x * y[j];
            }
        }
    }
    UNROLL for (int i = 0; i < rows && last > 0; i++)
    {
        vec x = load_last(d->a + i * d->a_row + d->depth, d->lanes);
        UNROLL for (int j = 0; j < cols; j++)
        {
            sum[i][j] += x * load_last(d->b + j * d->b_row + d->depth, d->lanes);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < cols; j++)
        {
            d->sum[i * d->sum_row + j] = sum[i][j];
        }
    }
}

ALWAYS_INLINE void dot_tile_of(int rows, int cols, const dot_call *d)
{
    switch (cols) {
    case 1:
        dot_tile(rows, 1, d);
        break;
    case 2:
        dot_tile(rows, 2, d);
        break;
    case 3:
        dot_tile(rows, 3, d);
        break;
    default:
        dot_tile(rows, 4, d);
        break;
    }
}

/* One tile, of up to DOT_ROWS x DOT_COLS. */
NOT_INLINE void dot_any_tile(int rows, int cols, const dot_call *d)
{
    switch (rows) {
    case 1:
        dot_tile_of(1, cols, d);
        break;
    case 2:
        dot_tile_of(2, cols, d);
        break;
#if VECTOR_BYTES == 64
    case 3:
        dot_tile_of(3, cols, d);
        break;
    case 4:
        dot_tile_of(4, cols, d);
        break;
    case 5:
        dot_tile_of(5, cols, d);
        break;
#endif
    default:
        dot_tile_of(DOT_ROWS, cols, d);
        break;
    }
}

/* Adds terms of a block's rows and columns to its sums. */
static void dot_block(int64_t rows, int64_t cols, const dot_call *block)
{
    int64_t tiles = (cols + DOT_COLS - 1) / DOT_COLS;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t j = t * cols / tiles, end = (t + 1) * cols / tiles;
        for (int64_t i = 0; i < rows; i += DOT_ROWS) {
            dot_call d = *block;
            d.a += i * d.a_row;
            d.b += j * d.b_row;
            d.sum += i * d.sum_row + j;
            dot_any_tile((int)least(DOT_ROWS, rows - i), (int)(end - j), &d);
        }
    }
}

/* out[j] = the sum of the parts of v[j], for VL vectors. */
static void add_parts(const vec *v, real *out)
{
    vec part[VL];
    UNROLL for (int k = 0; k < VL; k += LANE)
    {
        load_columns((const real *)v + k, VL, part + k);
    }
    UNROLL for (int n = VL / 2; n > 0; n /= 2)
    {
        UNROLL for (int k = 0; k < n; k++)
        {
            part[k] += part[k + n];
        }
    }
    store(out, part[0]);
}

/* Some rows of c. The parts of all their sums stand in one row, so that they are added VL sums at a
 * time; bias is repeated for every row. */
static void multiply_dot_rows(const cpu_gemm_shape *p, const cpu_epilogue *e, int64_t rows,
                              const real *a, const real *b, const real *bias, real *c)
{
    vec sum[BLOCK_ROWS * BLOCK_COLS];
    real total[BLOCK_ROWS * BLOCK_COLS];
    int64_t count = (rows * p->n + VL - 1) / VL * VL; /* what is too much is not used */
    for (int64_t i = 0; i < count; i++) {
        sum[i] = (vec){0};
    }
    for (int64_t k = 0; k < p->k; k += DOT_DEPTH) {
        const dot_call d = {.depth = least(DOT_DEPTH, p->k - k),
                            .a_row = p->k,
                            .b_row = p->k,
                            .a = a + k,
                            .b = b + k,
                            .sum = sum,
                            .sum_row = p->n,
                            .lanes = last_lanes(p->k % VL)};
        dot_block(rows, p->n, &d);
    }
    for (int64_t i = 0; i < count; i += VL) {
        add_parts(&sum[i], total + i);
    }
    finish_elements(p, e, rows * p->n, total, bias, c);
}

/* a [m,k], b [n,k], k >= VL, n <= BLOCK_COLS -> c [m,n]. */
static void multiply_by_dots(const cpu_gemm_shape *p, const cpu_epilogue *e, const real *a,
                             const real *b, real *c)
{
    real bias[BLOCK_ROWS * BLOCK_COLS];
    for (int64_t i = 0; i < BLOCK_ROWS * p->n && e->bias != NULL; i++) {
        bias[i] = ((const real *)e->bias)[i % p->n];
    }
    for (int64_t i = 0; i < p->m; i += BLOCK_ROWS) {
        multiply_dot_rows(p, e, least(BLOCK_ROWS, p->m - i), a + i * p->k, b, bias, c + i * p->n);
    }
}

#endif
