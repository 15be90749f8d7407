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
#include "small.h"

/* Dot products beat tiles where a tile would be filled badly and the terms are many enough to pay
 * for adding up the parts of every sum. The choice does not look at the number of rows, on which no
 * bit of a row may depend. */
enum { DOTS_UP_TO = 12, DOTS_FROM = 256, FEW_FROM = 32, ROOM = DEPTH * BLOCK_N };
static_assert((int)DOTS_UP_TO <= (int)BLOCK_COLS && (int)FEW_FROM >= (int)VL, "what dot.h asks");

static int32_t is_for_dots(const cpu_gemm_shape *p)
{
    if (p->trans_a) {
        return 0;
    }
    if (p->n < LANE && p->k >= FEW_FROM) {
        return p->trans_b || p->n * p->k <= ROOM;
    }
    return p->trans_b && p->n <= DOTS_UP_TO && p->k >= DOTS_FROM;
}

/* b is transposed for it if it is not. */
static void multiply_few_columns(const cpu_gemm_shape *p, const cpu_epilogue *e, const real *a,
                                 const real *b, real *c, real *room)
{
    for (int64_t k = 0; k < p->k && !p->trans_b; k++) {
        for (int64_t j = 0; j < p->n; j++) {
            room[j * p->k + k] = b[k * p->n + j];
        }
    }
    multiply_by_dots(p, e, a, p->trans_b ? b : room, c);
}

/* c^T = b^T a, vectors along the rows of c, for which a is stored well. */
static void multiply_swapped(const cpu_gemm_shape *p, const cpu_epilogue *e, const void *a,
                             const void *b, real *c, real *room)
{
    static const cpu_epilogue nothing;
    const cpu_gemm_shape swapped = {.trans_a = 1, .m = p->n, .n = p->m, .k = p->k, .alpha = 1.0};
    CPU_GEMM(&swapped, &nothing, b, a, room, room);
    for (int64_t i = 0; i < p->m; i++) {
        real row[LANE];
        for (int64_t j = 0; j < p->n; j++) {
            row[j] = room[j * p->m + i];
        }
        finish_elements(p, e, p->n, row, e->bias, c + i * p->n);
    }
}

static void multiply_tiles(const cpu_gemm_shape *p, const cpu_epilogue *e, const void *a,
                           const void *b, void *c, real *room)
{
    int32_t pack_b = p->n < VL || p->trans_b || (p->m > 4 * ROWS && p->k >= 32);
    int32_t pack_a = p->n >= 64 && p->trans_a && p->k >= 32;
    const product w = {.shape = p,
                       .epilogue = e,
                       .a = a,
                       .b = b,
                       .c = c,
                       .a_row = p->trans_a ? 1 : p->k,
                       .a_term = p->trans_a ? p->m : 1,
                       .b_col = p->trans_b ? p->k : 1,
                       .b_term = p->trans_b ? 1 : p->n,
                       .room_a = pack_a ? room + DEPTH * (BLOCK_N + 2 * VL) : NULL,
                       .room_b = pack_b ? room : NULL};
    if (p->n < VL) {
        multiply_narrow(&w);
    } else if (is_small(&w)) {
        multiply_small(&w);
    } else {
        multiply_by_tiles(&w);
    }
}

void CPU_GEMM(const cpu_gemm_shape *p, const cpu_epilogue *e, const void *a, const void *b, void *c,
              void *workspace)
{
    if (p->m == 0 || p->n == 0) {
        return;
    }
    if (is_for_dots(p)) {
        multiply_few_columns(p, e, a, b, c, workspace);
        return;
    }
    /* b is not packed for so few rows, so that the sums may stand there */
    if (p->n < LANE && p->trans_a && !p->trans_b && p->m >= VL && p->n * p->m <= ROOM) {
        multiply_swapped(p, e, a, b, c, workspace);
        return;
    }
#if defined(CPU_GEMM_NARROWER)
    if (p->n < VL) {
        CPU_GEMM_NARROWER(p, e, a, b, c, workspace);
        return;
    }
#endif
    multiply_tiles(p, e, a, b, c, workspace);
}

#endif
