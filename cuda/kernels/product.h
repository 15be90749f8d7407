/* product.h: products of matrices and convolutions where no library is wanted, and the epilogue of
 * those that a library made. Plain: one thread an output, one block a weight's gradient. */
#ifndef ODEON_CUDA_KERNELS_PRODUCT_H
#define ODEON_CUDA_KERNELS_PRODUCT_H
#include "vector.h"

/* c[M,N] = act(alpha * op(a) op(b) + beta * c + bias[N]); element [m,k] of op(a) is at a_m m + a_k
 * k of a, element [k,n] of op(b) at b_k k + b_n n of b. bias may be NULL. Of `count` such products
 * the matrices stand one after the other. */
typedef struct gemm_args {
    const void *a, *b;
    void *c;
    const void *bias;
    int64_t count, M, N, K, a_m, a_k, b_k, b_n;
    double alpha, beta;
    int32_t act, reserved0;
} gemm_args;

/* y = act(y + bias[channel]), elements of a channel standing inner at a time; bias may be NULL. */
typedef struct finish_args {
    void *y;
    const void *bias;
    int64_t count;
    kernel_divisor inner, channels;
    int32_t act, aligned; /* aligned: y lies where vectors may */
} finish_args;

/* x[B,C,H,W], w[K,C,R,S], y[B,K,P,Q]: two of them are read, and out stands for the third. */
typedef struct conv_args {
    const void *x, *w, *y;
    void *out;
    const void *bias; /* [K] or NULL */
    int64_t B, C, H, W, K, R, S, P, Q;
    int64_t stride_h, stride_w, padding_h, padding_w;
    int32_t act, reserved0;
} conv_args;

/* Of the elements 0 to kernel - 1 of a window that starts at start, those that lie within size. */
KERNEL_FN int64_t window_from(int64_t start)
{
    return start < 0 ? -start : 0;
}

KERNEL_FN int64_t window_to(int64_t start, int64_t kernel, int64_t size)
{
    return start + kernel > size ? size - start : kernel;
}

/* The window whose element number offset stands at position, or -1. */
KERNEL_FN int64_t window_of(int64_t position, int64_t padding, int64_t offset, int64_t stride,
                            int64_t count)
{
    int64_t start = position + padding - offset;
    return start < 0 || start % stride != 0 || start / stride >= count ? -1 : start / stride;
}

#endif
