/* tiles.h: float32 products on matrix tiles of bfloat16, Intel's AMX. Such a tile multiplies 16
 * rows of 32 numbers by 32 rows of 16 and adds to 16 x 16 sums in float32.
 *
 * A float32 x is the sum of three bfloat16, b0 + b1 + b2, 8 bits each, and a product is the sum of
 * those of its parts of which the smallest are left out: part l times part r is taken where l + r <
 * parts. Three parts make 6 products, with an error of 1e-7 of the sum of |a| |b|, no larger than
 * that of float32; two parts 3 products and 1e-5; one part 1 product and 4e-3.
 *
 * Numbers below 2^-126 count as zero, and below 2^-110 the low parts of a number are lost. Operands
 * that are infinite, NaN or within half a unit of overflow as bfloat16 have no parts: the caller
 * multiplies those in the ordinary way.
 * Source: Henry, Tang, Heinecke, Leveraging the bfloat16 artificial intelligence datatype for
 * higher-precision computations, ARITH 2019. */
#ifndef ODEON_CPU_TILES_H
#define ODEON_CPU_TILES_H
#include <stdint.h>

#include "../kernels/kernels.h"

enum { TILES_ROWS = 16, TILES_DEPTH = 32, TILES_MOST_PARTS = 3 };

/* May this process use tiles? Asks the processor and, the first time, the kernel, which then keeps
 * the tiles' registers of all threads made later. [main] */
int32_t tiles_usable(void);

/* Is the product large enough to pay for splitting its operands? */
int32_t tiles_worth(const cpu_gemm_shape *p);

/* Elements of a tile of either operand. */
enum { TILES_ELEMENTS = TILES_ROWS * TILES_DEPTH };

/* Bytes of an operand's parts: lines are the rows of op(a) or the columns of op(b), depth is K. */
uint64_t tiles_bytes(int64_t lines, int64_t depth, int32_t parts);

/* op(a) [M,K] -> tiles [M/16, K/32, parts] of [16,32]; op(b) [K,N] -> tiles [N/16, K/32, parts] of
 * [16,16,2], where numbers 2 i and 2 i + 1 of a column stand side by side. What lies beyond a
 * matrix is zero. to: tiles_bytes at a multiple of 64. Return 0 if a number has no parts. [any] */
int32_t tiles_pack_rows(const cpu_gemm_shape *p, int32_t parts, const float *a, uint16_t *to);
int32_t tiles_pack_cols(const cpu_gemm_shape *p, int32_t parts, const float *b, uint16_t *to);

/* c [M,N] = alpha op(a) op(b) + beta c of packed operands, in row-major float32. The bits of a row
 * of c depend on that row of op(a) and on b alone. [any] */
void tiles_multiply(const cpu_gemm_shape *p, int32_t parts, const uint16_t *rows,
                    const uint16_t *cols, float *c);

#endif
