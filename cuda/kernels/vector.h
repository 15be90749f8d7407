/* vector.h: 16 bytes of neighbours at once, the most that a GPU loads or stores in one
 * instruction. That takes an address that is a multiple of 16; elsewhere they go one by one, to the
 * same places of the same thread, so that sums do not depend on addresses. */
#ifndef ODEON_CUDA_KERNELS_VECTOR_H
#define ODEON_CUDA_KERNELS_VECTOR_H
#include "../kernel.h"

enum { VECTOR_BYTES = 16 };

#ifdef __cplusplus
#define VECTOR_ALIGNED alignas(VECTOR_BYTES)
#else
#define VECTOR_ALIGNED _Alignas(VECTOR_BYTES)
#endif

/* Before a loop with a constant number of turns, so that what it indexes stays in registers. */
#ifdef __CUDACC__
#define VECTOR_UNROLL _Pragma("unroll")
#else
#define VECTOR_UNROLL
#endif

/* Neighbours a vector. */
#define VECTOR_WIDTH ((int32_t)(VECTOR_BYTES / sizeof(real)))

typedef struct vector_f32 {
    VECTOR_ALIGNED float at[4];
} vector_f32;

typedef struct vector_f64 {
    VECTOR_ALIGNED double at[2];
} vector_f64;

/* May x be read and written like that? Where not, a GPU stops; the host, whose compiler is free to
 * join both ways of access into one, never accesses vectors and has NaN instead. */
KERNEL_FN int32_t vector_may(const void *x, int32_t aligned)
{
    return !aligned || (uintptr_t)x % VECTOR_BYTES == 0;
}

#endif
