/* vectors.h: moves between layouts with the vectors of ../vectors.h, of LANES numbers each. The
 * including source defines real and REAL_BYTES, the build VECTOR_BYTES and DIRECT_REGISTERS (16 or
 * 32). */
#ifndef ODEON_CPU_DIRECT_VECTORS_H
#define ODEON_CPU_DIRECT_VECTORS_H
#include <stdint.h>
#include <string.h>

#include "../vectors.h"

#define LANES (VECTOR_BYTES / REAL_BYTES)
/* Loops over the registers of a block, whose counts are constants. */
#define UNROLL _Pragma("GCC unroll 32")

/* The compiler knows nothing of two addresses from here on: it keeps them in two registers and no
 * number in a register for the next turn of a loop, of which there would not be enough. */
#define OPAQUE(a, b) __asm__ volatile("" : "+r"(a), "+r"(b) : : "memory")

/* A factor is in use until here. Compilers else put the sum that it was last a part of into its
 * register, out of place, and have to move sums to the stack for that. */
#if defined(__x86_64__) &&                                                                         \
    (VECTOR_BYTES == 16 || (VECTOR_BYTES == 32 && defined(__AVX__)) || defined(__AVX512F__))
#define IN_USE(v) __asm__ volatile("" : : "v"(v))
#else
#define IN_USE(v) (void)(v)
#endif

/* a0 b0 a1 b1 ... of the lower and of the upper halves. */
#if LANES == 16
#define ZIP_LOW(a, b)                                                                              \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b)                                                                             \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define ZIP_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define ZIP_LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define ZIP_LOW(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Transposes LANES x LANES numbers in registers: log2(LANES) times, rows i and i + LANES / 2
 * interleaved become rows 2i and 2i + 1. Writes only the first rows of the result. */
NOT_INLINE void turn_block(const real *from, int64_t from_pitch, int64_t rows, real *to,
                           int64_t to_pitch)
{
    vec a[LANES], b[LANES];
    UNROLL for (int i = 0; i < LANES; i++)
    {
        a[i] = load(from + i * from_pitch);
    }
    UNROLL for (int n = 1; n < LANES; n *= 2)
    {
        UNROLL for (int i = 0; i < LANES / 2; i++)
        {
            b[2 * i] = ZIP_LOW(a[i], a[i + LANES / 2]);
            b[2 * i + 1] = ZIP_HIGH(a[i], a[i + LANES / 2]);
        }
        UNROLL for (int i = 0; i < LANES; i++)
        {
            a[i] = b[i];
        }
    }
    if (rows == LANES) {
        UNROLL for (int i = 0; i < LANES; i++)
        {
            store(to + i * to_pitch, a[i]);
        }
    } else {
        UNROLL for (int i = 0; i < LANES; i++)
        {
            if (i < rows) {
                store(to + i * to_pitch, a[i]);
            }
        }
    }
}

static void turn_one_by_one(const real *from, int64_t rows, int64_t cols, int64_t from_pitch,
                            real *to, int64_t to_pitch)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            to[j * to_pitch + i] = from[i * from_pitch + j];
        }
    }
}

/* to[j][i] = from[i][j] for i < rows, j < cols. The last blocks overlap those before them, so that
 * nothing outside is read or written. */
static void turn(const real *from, int64_t rows, int64_t cols, int64_t from_pitch, real *to,
                 int64_t to_pitch)
{
    if (rows < LANES || cols < LANES) {
        turn_one_by_one(from, rows, cols, from_pitch, to, to_pitch);
        return;
    }
    for (int64_t i = 0; i < rows; i += LANES) {
        int64_t row = least(i, rows - LANES);
        for (int64_t j = 0; j < cols; j += LANES) {
            int64_t col = least(j, cols - LANES);
            turn_block(from + row * from_pitch + col, from_pitch, LANES, to + col * to_pitch + row,
                       to_pitch);
        }
    }
}

/* The same where rows of from are readable up to a multiple of LANES columns. */
static void turn_padded(const real *from, int64_t rows, int64_t cols, int64_t from_pitch, real *to,
                        int64_t to_pitch)
{
    if (rows < LANES) {
        turn_one_by_one(from, rows, cols, from_pitch, to, to_pitch);
        return;
    }
    for (int64_t i = 0; i < rows; i += LANES) {
        int64_t row = least(i, rows - LANES);
        for (int64_t j = 0; j < cols; j += LANES) {
            turn_block(from + row * from_pitch + j, from_pitch, least(LANES, cols - j),
                       to + j * to_pitch + row, to_pitch);
        }
    }
}

/* Bytes from n to 2 n, for a constant n, in two pieces that overlap. */
ALWAYS_INLINE void copy_pieces(size_t n, size_t bytes, const void *restrict from, void *restrict to)
{
    memcpy(to, from, n);
    memcpy((char *)to + bytes - n, (const char *)from + bytes - n, n);
}

/* A row of n numbers; a call of memcpy would take longer. */
ALWAYS_INLINE void copy_row(int64_t n, const real *restrict from, real *restrict to)
{
    size_t bytes = (size_t)n * sizeof *to;
    if (n >= LANES) {
        for (int64_t i = 0; i < n - LANES; i += LANES) {
            store(to + i, load(from + i));
        }
        store(to + n - LANES, load(from + n - LANES));
    } else if (bytes >= 32) {
        copy_pieces(32, bytes, from, to);
    } else if (bytes >= 16) {
        copy_pieces(16, bytes, from, to);
    } else if (bytes >= 8) {
        copy_pieces(8, bytes, from, to);
    } else if (n > 0) {
        *to = *from;
    }
}

ALWAYS_INLINE void zero(int64_t n, real *to)
{
    memset(to, 0, (size_t)n * sizeof *to);
}

#endif
