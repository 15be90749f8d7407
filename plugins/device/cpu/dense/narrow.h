/* narrow.h: products with fewer columns than a vector, which is filled up with zeros. */
#ifndef ODEON_CPU_DENSE_NARROW_H
#define ODEON_CPU_DENSE_NARROW_H
#include "multiply.h"

/* Adds terms k to k + depth, or begins with them, for all rows. */
static void multiply_narrow_terms(const product *w, int64_t k, int64_t depth)
{
    real sum[ROWS_OF_ONE * VL];
    int32_t strided = w->a_term == 1, last = k + depth == w->shape->k;
    int64_t m = w->shape->m, n = w->shape->n, strips = (m + ROWS_OF_ONE - 1) / ROWS_OF_ONE;
    cpu_gemm_shape p = *w->shape;
    const cpu_epilogue nothing = {0};
    const tile_call t = {
        .depth = depth, .a_row = w->a_row, .a_term = w->a_term, .b_term = VL, .c_row = VL};
    p.beta = k > 0 ? 1.0 : p.beta;
    pack_padded(depth, n, w->b + k * w->b_term, w->b_term, w->b_col, w->room_b);
    for (int64_t s = 0; s < strips; s++) {
        int64_t i = s * m / strips, rows = (s + 1) * m / strips - i;
        tile_functions[strided][0]((int)rows, &t, w->a + i * w->a_row + k * w->a_term, w->room_b,
                                   NULL, sum);
        for (int64_t r = 0; r < rows; r++) {
            finish_elements(&p, last ? w->epilogue : &nothing, n, sum + r * VL, w->epilogue->bias,
                            w->c + (i + r) * n);
        }
    }
}

static void multiply_narrow(const product *w)
{
    int64_t k = 0;
    do { /* once also for no terms, so that c is written */
        int64_t depth = least(DEPTH, w->shape->k - k);
        multiply_narrow_terms(w, k, depth);
        k += depth;
    } while (k < w->shape->k);
}

#endif
