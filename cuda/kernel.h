/* kernel.h: how a kernel is written.
 *
 * A kernel is a struct of arguments and a function of one thread in phases:
 *   KERNEL_FN void REAL(name)(int32_t phase, const name_args *a, kernel_thread w, void *shared)
 * All threads of a block meet between two phases; nothing local survives one, what passes on lies
 * in shared memory, whose contents are undefined at first. No atomic, and of what a warp can do
 * together only kernel_warps_store: a sum is a tree in double, and what blocks sum up goes through
 * queue_scratch to a kernel of one block. So equal shapes give equal bits, and the same source is a
 * __global__ function under nvcc and a plain function of the host, where the device `emulated`
 * loops over blocks, phases and threads. Bodies are what C11 and C++17 have in common: casts are
 * written out, no designated initialisers, no compound literals.
 *
 * Files of a family NAME: kernels/NAME.h has the structs and the kernels without dtype,
 * kernels/NAME_body.h those with (both.h includes it once a dtype), kernels/list.h the list. */
#ifndef ODEON_CUDA_KERNEL_H
#define ODEON_CUDA_KERNEL_H
#include <math.h>
#include <stdint.h>

#include "odeon/device.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"

#ifdef __CUDACC__
#define KERNEL_FN     static __device__ __forceinline__
#define KERNEL_ROLLED _Pragma("unroll 1")
#else
#define KERNEL_FN static inline
#define KERNEL_ROLLED
#endif

enum {
    KERNEL_THREADS = 256,   /* at most so many threads a block; always a power of two */
    KERNEL_TREE_PHASES = 8, /* log2 of it */
    KERNEL_WARP = 32,       /* threads that run together; a block that sums has whole ones */
    KERNEL_SHARED_BYTES = 48 << 10, /* what every GPU has */
    KERNEL_ARGUMENT_BYTES = 4000
};

/* Which thread this is. */
typedef struct kernel_thread {
    int64_t block, blocks;
    int32_t thread, threads;
} kernel_thread;

/* What is launched: chosen from the shapes of tensors alone. */
typedef struct kernel_shape {
    int64_t blocks;
    int32_t threads, shared_bytes;
} kernel_shape;

/* A thread's elements are first, first + stride, ... : neighbours share a line of memory. */
KERNEL_FN int64_t kernel_first(kernel_thread w)
{
    return w.block * w.threads + w.thread;
}

KERNEL_FN int64_t kernel_stride(kernel_thread w)
{
    return w.blocks * w.threads;
}

/* A loop over a thread's elements of count. Of nearly all shapes a thread has one, and code of
 * turns that never run would have to be fetched all the same: so it is not unrolled. */
#define KERNEL_EACH(i, count)                                                                      \
    KERNEL_ROLLED for (int64_t i = kernel_first(w); i < (count); i += kernel_stride(w))

/* imm + scale * slots[slot], or imm where slot is negative; slots is then not read. */
KERNEL_FN double kernel_scalar(odeon_scalar s, const double *slots)
{
    return s.slot < 0 ? s.imm : s.imm + s.scale * slots[s.slot];
}

/* A divisor of numbers of elements and blocks. A GPU has no division; a quotient is the upper half
 * of a product, shifted: with k = ceil(log2(by)) and factor = ceil(2^(n-1+k) / by), which is below
 * 2^n, the product of an i below 2^(n-1) is too large by less than 2^(n-1+k) / by, so that the
 * quotient is that of i. n is 32 where i is small, else 64; by = 1 has no factors. */
typedef struct kernel_divisor {
    int64_t by;
    uint64_t wide;
    uint32_t narrow; /* 0 where by itself is too large */
    int32_t shift;   /* k - 1 */
} kernel_divisor;

/* ceil(2^bits / by), 2^(bits - 64) <= by: long division, by digits of one bit. */
static inline uint64_t kernel_factor(int32_t bits, uint64_t by)
{
    uint64_t quotient = 0, rest = 1;
    for (int32_t i = 0; i < bits; i++) {
        rest *= 2;
        quotient = quotient * 2 + (rest >= by ? 1 : 0);
        rest -= rest >= by ? by : 0;
    }
    return quotient + (rest > 0 ? 1 : 0);
}

static inline kernel_divisor kernel_divisor_of(int64_t by)
{
    kernel_divisor d = {by, 0, 0, 0};
    if (by > 1) {
        int32_t k = 1;
        while (((uint64_t)1 << k) < (uint64_t)by) {
            k++;
        }
        d.shift = k - 1;
        d.wide = kernel_factor(63 + k, (uint64_t)by);
        d.narrow = by <= INT32_MAX
                       ? (uint32_t)((((uint64_t)1 << (31 + k)) + (uint64_t)by - 1) / (uint64_t)by)
                       : 0;
    }
    return d;
}

/* The upper half of a product. */
KERNEL_FN uint64_t kernel_upper(uint64_t a, uint64_t b)
{
#ifdef __CUDACC__
    return __umul64hi(a, b);
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + ((a0 * b0) >> 32), other = a0 * b1 + (uint32_t)middle;
    return a1 * b1 + (middle >> 32) + (other >> 32);
#endif
}

/* i / d, i >= 0; the remainder in *rest. */
KERNEL_FN int64_t kernel_divide_by(int64_t i, const kernel_divisor *d, int64_t *rest)
{
    int64_t quotient = i;
    if (i <= INT32_MAX && d->narrow != 0) {
        quotient = (int64_t)((((uint64_t)(uint32_t)i * d->narrow) >> 32) >> d->shift);
    } else if (d->wide != 0) {
        quotient = (int64_t)(kernel_upper((uint64_t)i, d->wide) >> d->shift);
    }
    *rest = i - quotient * d->by;
    return quotient;
}

/* Phase 1 to KERNEL_TREE_PHASES of adding up one number a thread, which phase 0 has put into
 * shared[thread]; after the last shared[0] is the sum, for thread 0 at once. */
KERNEL_FN void kernel_tree_sum(int32_t phase, kernel_thread w, double *shared)
{
    int32_t half = w.threads >> phase;
    if (w.thread < half) {
        shared[w.thread] += shared[w.thread + half];
    }
}

/* A sum over a block in two phases. In the first each thread stores a number, in a later one
 * kernel_warps_sum is the sum for every thread. On a GPU the numbers of a warp go from register to
 * register and shared memory has one a warp; the host adds them up in the same order, for the first
 * thread that wants the sum. shared: KERNEL_SUM_DOUBLES, the last of which is NaN until then. */
#define KERNEL_SUM_DOUBLES(threads) ((threads) + 1)

KERNEL_FN void kernel_warps_store(kernel_thread w, double *shared, double value)
{
#ifdef __CUDACC__
    for (int32_t half = KERNEL_WARP / 2; half > 0; half /= 2) {
        value += __shfl_down_sync(0xffffffffu, value, half);
    }
    if (w.thread % KERNEL_WARP == 0) {
        shared[w.thread / KERNEL_WARP] = value;
    }
#else
    shared[w.thread] = value;
#endif
}

KERNEL_FN double kernel_warp_sum(const double *shared, int32_t warp)
{
#ifdef __CUDACC__
    return shared[warp];
#else
    double all[KERNEL_WARP];
    for (int32_t i = 0; i < KERNEL_WARP; i++) {
        all[i] = shared[warp * KERNEL_WARP + i];
    }
    for (int32_t half = KERNEL_WARP / 2; half > 0; half /= 2) {
        for (int32_t i = 0; i < half; i++) {
            all[i] += all[i + half];
        }
    }
    return all[0];
#endif
}

KERNEL_FN double kernel_warps_sum(kernel_thread w, double *shared)
{
#ifndef __CUDACC__
    if (shared[w.threads] == shared[w.threads]) {
        return shared[w.threads];
    }
#endif
    double sum = kernel_warp_sum(shared, 0);
    for (int32_t warp = 1; warp < w.threads / KERNEL_WARP; warp++) {
        sum += kernel_warp_sum(shared, warp);
    }
#ifndef __CUDACC__
    shared[w.threads] = sum;
#endif
    return sum;
}

#endif
