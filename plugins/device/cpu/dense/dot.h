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
    vec (*sum)[BLOCK_COLS];
} dot_call;

/* The last terms, fewer than VL: the VL last of all, the others of which are replaced by zeros. */
ALWAYS_INLINE vec load_last(const real *end, int64_t terms)
{
    vec_bits bits = (vec_bits)load(end - VL), counted;
    int64_t words = terms * (int64_t)sizeof(real) / 4;
    UNROLL for (int i = 0; i < VECTOR_BYTES / 4; i++)
    {
        counted[i] = i >= VECTOR_BYTES / 4 - words ? ~0u : 0u;
    }
    return (vec)(bits & counted);
}

/* rows, cols are constants wherever this is inlined. */
ALWAYS_INLINE void dot_tile(int rows, int cols, const dot_call *d)
{
    vec sum[DOT_ROWS][DOT_COLS];
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < cols; j++)
        {
            sum[i][j] = d->sum[i][j];
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
        vec x = load_last(d->a + i * d->a_row + d->depth, last);
        UNROLL for (int j = 0; j < cols; j++)
        {
            sum[i][j] += x * load_last(d->b + j * d->b_row + d->depth, last);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
    {
        UNROLL for (int j = 0; j < cols; j++)
        {
            d->sum[i][j] = sum[i][j];
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
            d.sum = (vec(*)[BLOCK_COLS]) & block->sum[i][j];
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

/* a [m,k], b [n,k], k >= VL -> c [m,n]. */
static void multiply_by_dots(const cpu_gemm_shape *p, const cpu_epilogue *e, const real *a,
                             const real *b, real *c)
{
    vec sum[BLOCK_ROWS][BLOCK_COLS];
    real row[BLOCK_COLS];
    for (int64_t j = 0; j < p->n; j += BLOCK_COLS) {
        int64_t cols = least(BLOCK_COLS, p->n - j);
        for (int64_t i = 0; i < p->m; i += BLOCK_ROWS) {
            int64_t rows = least(BLOCK_ROWS, p->m - i);
            memset(sum, 0, (size_t)rows * sizeof *sum);
            for (int64_t k = 0; k < p->k; k += DOT_DEPTH) {
                dot_call d = {least(DOT_DEPTH, p->k - k), p->k, p->k, a + i * p->k + k,
                              b + j * p->k + k,           sum};
                dot_block(rows, cols, &d);
            }
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t q = 0; q < cols; q += VL) {
                    add_parts(&sum[r][q], row + q);
                }
                const real *bias = e->bias != NULL ? (const real *)e->bias + j : NULL;
                finish_elements(p, e, cols, row, bias, c + (i + r) * p->n + j);
            }
        }
    }
}

#endif
