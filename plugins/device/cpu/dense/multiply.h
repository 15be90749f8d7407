/* multiply.h: c = alpha op(a) op(b) + beta c by tiles. Blocks as in Goto, van de Geijn, Anatomy of
 * high-performance matrix multiplication, 2008: DEPTH terms of a panel of op(b) stay in the first
 * cache, of BLOCK_M rows of op(a) in the second. An operand is packed only where its own order is
 * bad for the tiles or where it is read often enough. */
#ifndef ODEON_CPU_DENSE_MULTIPLY_H
#define ODEON_CPU_DENSE_MULTIPLY_H
#include "pack.h"
#include "tile.h"

enum {
    DEPTH = 1024 / (int)sizeof(real),
    BLOCK_M = 96,
    BLOCK_N = 1024 / (int)sizeof(real),
    GROUP = (VECTOR_BYTES == 64 ? 32768 : 16384) / (int)sizeof(real), /* numbers of op(b) at once */
    MOST_PANELS = BLOCK_N / VL + 2
};
static_assert(DEPTH * (BLOCK_N + 2 * VL) + DEPTH * BLOCK_M <=
                  CPU_GEMM_WORKSPACE / (int)sizeof(real),
              "what is packed fits");

typedef struct product {
    const cpu_gemm_shape *shape;
    const cpu_epilogue *epilogue;
    const real *a, *b;
    real *c;
    int64_t a_row, a_term, b_col, b_term; /* of op(a) and op(b) */
    real *room_a, *room_b;                /* where they are packed; NULL: not */
} product;

/* Cuts columns into panels: of two vectors, one of one vector, and a last of two that overlap. Any
 * number of columns from VL on. Returns how many columns were cut, BLOCK_N or a little more at
 * most. */
static int64_t cut_panels(int64_t column, int64_t n, panel *panels, int32_t *count)
{
    int64_t first = column;
    for (*count = 0; column < n && column - first < BLOCK_N; (*count)++) {
        int64_t left = n - column, width = 2 * VL;
        if (left <= width) {
            width = left;
        } else if (left < 3 * VL) {
            width = VL;
        }
        panels[*count] = (panel){
            .column = column, .second = width > VL ? width - VL : 0, .vectors = width > VL ? 2 : 1};
        column += width;
    }
    return column - first;
}

static uint32_t flags_of(const product *w, int32_t first, int32_t last)
{
    double alpha = w->shape->alpha, beta = w->shape->beta;
    uint32_t flags = first && beta == 0.0 ? 0 : TILE_ADD;
    flags |= alpha != 1.0 || (first && beta != 0.0 && beta != 1.0) ? TILE_SCALE : 0;
    flags |= last && w->epilogue->bias != NULL ? TILE_BIAS : 0;
    return flags | (last && w->epilogue->relu ? TILE_RELU : 0);
}

/* A strip of rows by a group of panels. */
ALWAYS_INLINE void multiply_strip(const product *w, tile_call *t, int rows, const real *a,
                                  const panel *panels, int32_t count, real *c)
{
    const real *bias = w->epilogue->bias;
    int32_t strided = w->room_a == NULL && w->a_term == 1;
    for (int32_t q = 0; q < count; q++) {
        const panel *x = &panels[q];
        int32_t packed = w->room_b != NULL;
        t->b_term = packed ? x->vectors * VL : w->b_term;
        t->b_second = packed ? VL : x->second;
        t->c_second = x->second;
        tile_functions[strided][x->vectors - 1](
            rows, t, a, x->b, bias != NULL ? bias + x->column : NULL, c + x->column);
    }
}

/* Rows from i on, up to BLOCK_M, of terms from k on, by all panels. Strips that are not packed are
 * of about equal size, as tiles of few rows are slow. */
static void multiply_rows(const product *w, tile_call *t, int64_t i, int64_t k, const panel *panels,
                          int32_t count)
{
    int64_t most = count == 1 && panels[0].vectors == 1 ? ROWS_OF_ONE : ROWS;
    int64_t rows = least(BLOCK_M, w->shape->m - i), strips = (rows + most - 1) / most;
    int64_t size = rows / strips,
            larger = rows - strips * size; /* so many strips have a row more */
    int32_t group = (int32_t)(GROUP / (t->depth * 2 * VL + 1)) + 1;
    const real *a = w->a + i * w->a_row + k * w->a_term;
    if (w->room_a != NULL) {
        pack_strips(ROWS, t->depth, rows, a, w->a_term, w->room_a);
        a = w->room_a;
    }
    for (int32_t q = 0; q < count; q += group) {
        int64_t first = 0, n = 0;
        for (int64_t s = 0; s < strips; s++, first += n) {
            const real *strip = a + first * w->a_row;
            n = size + (s < larger ? 1 : 0);
            if (w->room_a != NULL) {
                n = least(ROWS, rows - first);
                strip = a + first * t->depth;
                t->a_term = n;
            }
            multiply_strip(w, t, (int)n, strip, panels + q, (int32_t)least(group, count - q),
                           w->c + (i + first) * w->shape->n);
        }
    }
}

/* All rows by a block of panels; once also for no terms, so that c is written. */
static void multiply_panels(const product *w, panel *panels, int32_t count)
{
    const cpu_gemm_shape *p = w->shape;
    tile_call t = {.a_row = w->a_row, .a_term = w->a_term, .c_row = p->n, .alpha = (real)p->alpha};
    int64_t k = 0;
    do {
        const real *b = w->b + k * w->b_term;
        real *packed = w->room_b;
        t.depth = least(DEPTH, p->k - k);
        t.flags = flags_of(w, k == 0, k + t.depth == p->k);
        t.beta = k == 0 ? (real)p->beta : 1;
        for (int32_t q = 0; q < count; q++) {
            if (packed != NULL) {
                pack_panel(&panels[q], t.depth, b, w->b_term, w->b_col, packed);
                packed += t.depth * panels[q].vectors * VL;
            } else {
                panels[q].b = b + panels[q].column;
            }
        }
        for (int64_t i = 0; i < p->m; i += BLOCK_M) {
            multiply_rows(w, &t, i, k, panels, count);
        }
        k += t.depth;
    } while (k < p->k);
}

static void multiply_by_tiles(const product *w)
{
    panel panels[MOST_PANELS];
    int32_t count;
    for (int64_t j = 0; j < w->shape->n;) {
        j += cut_panels(j, w->shape->n, panels, &count);
        multiply_panels(w, panels, count);
    }
}

#endif
