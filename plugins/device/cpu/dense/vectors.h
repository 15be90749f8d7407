/* vectors.h: moves between rows and columns with the vectors of ../vectors.h. */
#ifndef ODEON_CPU_DENSE_VECTORS_H
#define ODEON_CPU_DENSE_VECTORS_H
#include <stdint.h>

#include "../vectors.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef double vec_double __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t vec_bits __attribute__((vector_size(VECTOR_BYTES)));

/* VL numbers are a vector, LANE numbers are 16 bytes of it, within which shuffles are cheapest. */
enum { VL = VECTOR_BYTES / (int)sizeof(real), LANE = 16 / (int)sizeof(real) };

/* UNPACK_LOW of 4 or 8 byte elements: in every 16 bytes the elements of a's lower half between
 * those of b's; UNPACK_HIGH: of the upper halves. */
#if VECTOR_BYTES == 64
#define UNPACK_LOW_4(a, b)                                                                         \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define UNPACK_HIGH_4(a, b)                                                                        \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define UNPACK_LOW_8(a, b)  __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define UNPACK_HIGH_8(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#elif VECTOR_BYTES == 32
#define UNPACK_LOW_4(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define UNPACK_HIGH_4(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define UNPACK_LOW_8(a, b)  __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define UNPACK_HIGH_8(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#else
#define UNPACK_LOW_4(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define UNPACK_HIGH_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define UNPACK_LOW_8(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define UNPACK_HIGH_8(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Lane l of the result is the 16 bytes at p + l LANE pitch. Joined by shuffles, as writing lanes
 * one by one would go through memory. */
typedef double lane_pair __attribute__((vector_size(16)));

ALWAYS_INLINE lane_pair load_lane(const real *p)
{
    typedef double lane_in_memory
        __attribute__((vector_size(16), aligned(__alignof__(real)), may_alias));
    return (lane_pair) * (const lane_in_memory *)p;
}

ALWAYS_INLINE vec load_lanes(const real *p, int64_t pitch)
{
#if VECTOR_BYTES == 16
    (void)pitch;
    return (vec)load_lane(p);
#else
    typedef double two_lanes __attribute__((vector_size(32)));
    const int64_t step = LANE * pitch;
    two_lanes low = __builtin_shufflevector(load_lane(p), load_lane(p + step), 0, 1, 2, 3);
#if VECTOR_BYTES == 32
    return (vec)low;
#else
    two_lanes high =
        __builtin_shufflevector(load_lane(p + 2 * step), load_lane(p + 3 * step), 0, 1, 2, 3);
    return (vec)__builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
#endif
}

/* v[j] of LANE vectors = column j of the VL rows at p, so many numbers apart. */
ALWAYS_INLINE void load_columns(const real *p, int64_t pitch, vec *v)
{
    vec row[LANE];
    UNROLL for (int i = 0; i < LANE; i++)
    {
        row[i] = load_lanes(p + i * pitch, pitch);
    }
#if REAL_BYTES == 4
    vec_double low0 = (vec_double)UNPACK_LOW_4(row[0], row[1]);
    vec_double high0 = (vec_double)UNPACK_HIGH_4(row[0], row[1]);
    vec_double low2 = (vec_double)UNPACK_LOW_4(row[2], row[3]);
    vec_double high2 = (vec_double)UNPACK_HIGH_4(row[2], row[3]);
    v[0] = (vec)UNPACK_LOW_8(low0, low2);
    v[1] = (vec)UNPACK_HIGH_8(low0, low2);
    v[2] = (vec)UNPACK_LOW_8(high0, high2);
    v[3] = (vec)UNPACK_HIGH_8(high0, high2);
#else
    v[0] = UNPACK_LOW_8(row[0], row[1]);
    v[1] = UNPACK_HIGH_8(row[0], row[1]);
#endif
}

#endif
