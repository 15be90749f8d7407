/* body.h: the product of one dtype, instruction set and length of vectors. The including source
 * defines the type real and its size REAL_BYTES; the build gives the function's name CPU_GEMM, and
 * where there is one, CPU_GEMM_NARROWER, the same with vectors half as long, for products with
 * fewer columns than a vector. */
#ifndef ODEON_CPU_DENSE_BODY_H
#define ODEON_CPU_DENSE_BODY_H
#include <assert.h>
#include <string.h>

#include "../kernels/kernels.h"

#include "vectors.h"

#include "tile.h"

#include "dot.h"
#include "multiply.h"
#include "narrow.h"

/* From so many terms on, and up to so many columns, dot products are faster than packing b. */
enum { DOTS_FROM = 64, DOTS_UP_TO = 16 };

/* The choice does not look at the number of rows, on which no bit of a row may depend. */
static int32_t is_for_dots(const cpu_gemm_shape *p)
{
    return !p->trans_a && p->trans_b && p->k >= DOTS_FROM && p->n <= DOTS_UP_TO;
}

void CPU_GEMM(const cpu_gemm_shape *p, const cpu_epilogue *e, const void *a, const void *b, void *c,
              void *workspace)
{
    if (p->m == 0 || p->n == 0) {
        return;
    }
    if (is_for_dots(p)) {
        multiply_by_dots(p, e, a, b, c);
        return;
    }
#if defined(CPU_GEMM_NARROWER)
    if (p->n < VL) {
        CPU_GEMM_NARROWER(p, e, a, b, c, workspace);
        return;
    }
#endif
    real *room = workspace;
    int32_t pack_b = p->trans_b || (p->m > 4 * ROWS && p->k >= 32);
    int32_t pack_a = p->trans_a && p->n >= 64 && p->k >= 32;
    product w = {.shape = p,
                 .epilogue = e,
                 .a = a,
                 .b = b,
                 .c = c,
                 .a_row = p->trans_a ? 1 : p->k,
                 .a_term = p->trans_a ? p->m : 1,
                 .b_col = p->trans_b ? p->k : 1,
                 .b_term = p->trans_b ? 1 : p->n,
                 .room_a = pack_a ? room + DEPTH * (BLOCK_N + 2 * VL) : NULL,
                 .room_b = pack_b || p->n < VL ? room : NULL};
    if (p->n < VL) {
        multiply_narrow(&w);
    } else {
        multiply_by_tiles(&w);
    }
}

#endif
