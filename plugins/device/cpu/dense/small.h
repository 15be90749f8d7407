/* small.h: a product whose columns are one panel and whose rows and terms are one block. What is
 * left of multiply.h is one call of a tile for each strip of rows, the same calls as there. */
#ifndef ODEON_CPU_DENSE_SMALL_H
#define ODEON_CPU_DENSE_SMALL_H
#include "multiply.h"

static int32_t is_small(const product *w)
{
    const cpu_gemm_shape *p = w->shape;
    return p->n >= VL && p->n <= 2 * VL && p->k <= DEPTH && p->m <= BLOCK_M && w->room_a == NULL;
}

static void multiply_small(const product *w)
{
    const cpu_gemm_shape *p = w->shape;
    const int32_t two = p->n > VL, most = two ? ROWS : ROWS_OF_ONE, m = (int32_t)p->m;
    const int32_t strips = (m + most - 1) / most, size = m / strips, larger = m - strips * size;
    tile_function *const multiply = tile_functions[w->a_term == 1][two];
    panel x = {.b = w->b, .second = two ? p->n - VL : 0, .vectors = two ? 2 : 1};
    tile_call t = {.depth = p->k,
                   .a_row = w->a_row,
                   .a_term = w->a_term,
                   .b_term = w->b_term,
                   .b_second = x.second,
                   .c_row = p->n,
                   .c_second = x.second,
                   .alpha = (real)p->alpha,
                   .beta = (real)p->beta,
                   .flags = flags_of(w, 1, 1)};
    if (w->room_b != NULL) {
        pack_panel(&x, p->k, w->b, w->b_term, w->b_col, w->room_b);
        t.b_term = x.vectors * VL;
        t.b_second = VL;
    }
    const real *a = w->a;
    real *c = w->c;
    for (int32_t s = 0; s < strips; s++) {
        int32_t rows = size + (s < larger ? 1 : 0); /* so many strips have a row more */
        multiply(rows, &t, a, x.b, w->epilogue->bias, c);
        a += rows * w->a_row;
        c += rows * p->n;
    }
}

#endif
