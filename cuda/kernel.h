/* kernel.h: how a kernel is written.
 *
 * A kernel is a struct of arguments and a function of one thread in phases:
 *   KERNEL_FN void REAL(name)(int32_t phase, const name_args *a, kernel_thread w, void *shared)
 * All threads of a block meet between two phases; nothing local survives one, what passes on lies
 * in shared memory, whose contents are undefined at first. No function of a warp, no atomic: a sum
 * is a tree over shared memory in double, and what blocks sum up goes through queue_scratch to a
 * kernel of one block. So equal shapes give equal bits, and the same source is a __global__
 * function under nvcc and a plain function of the host, where the device `emulated` loops over
 * blocks, phases and threads. Bodies are what C11 and C++17 have in common: casts are written out,
 * no designated initialisers, no compound literals.
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
    KERNEL_THREADS = 256,           /* at most so many threads a block; always a power of two */
    KERNEL_TREE_PHASES = 8,         /* log2 of it */
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

/* Phase 1 to KERNEL_TREE_PHASES of adding up one number a thread, which phase 0 has put into
 * shared[thread]; after the last shared[0] is the sum, for thread 0 at once. */
KERNEL_FN void kernel_tree_sum(int32_t phase, kernel_thread w, double *shared)
{
    int32_t half = w.threads >> phase;
    if (w.thread < half) {
        shared[w.thread] += shared[w.thread + half];
    }
}

#endif
