/* pool.h: pooling of images x[B,C,H,W] to y[B,C,P,Q]. */
#ifndef ODEON_CUDA_KERNELS_POOL_H
#define ODEON_CUDA_KERNELS_POOL_H
#include "moving.h"
#include "odeon/device_pool.h"

/* Of y and dx one is written; x is not read by the gradient of AVG. H * W and P * Q are int32_t. */
typedef struct pool_args {
    const void *x, *dy; /* dy: of the jvp x_dot */
    void *y, *dx;
    int64_t images; /* B * C */
    int32_t H, W, P, Q;
    odeon_pool_geometry geometry;
} pool_args;

/* What a window covers of its image: rows from top to bottom - 1, columns from left to right - 1.
 */
typedef struct pool_window {
    int32_t top, bottom, left, right;
} pool_window;

KERNEL_FN pool_window pool_window_at(const pool_args *a, int32_t p, int32_t q)
{
    const odeon_pool_geometry *g = &a->geometry;
    int32_t top = p * g->stride_h - g->padding_h, bottom = top + g->kernel_h;
    int32_t left = q * g->stride_w - g->padding_w, right = left + g->kernel_w;
    pool_window window = {top < 0 ? 0 : top, bottom < a->H ? bottom : a->H, left < 0 ? 0 : left,
                          right < a->W ? right : a->W};
    return window;
}

/* The image and the place in it of element i of many of height H and width W. */
KERNEL_FN int64_t pool_place(int64_t i, int32_t H, int32_t W, int32_t *row, int32_t *column)
{
    int64_t inside, image = kernel_divide(i, (int64_t)H * W, &inside);
    *row = (int32_t)inside / W;
    *column = (int32_t)inside % W;
    return image;
}

/* The first window that reaches a row (or column), and the one after the last. */
KERNEL_FN int32_t pool_first(int32_t row, int32_t padding, int32_t kernel, int32_t stride)
{
    int32_t before = row + padding - kernel;
    return before < 0 ? 0 : before / stride + 1;
}

KERNEL_FN int32_t pool_end(int32_t row, int32_t padding, int32_t stride, int32_t windows)
{
    int32_t last = (row + padding) / stride;
    return last < windows ? last + 1 : windows;
}

/* Padded zeros count. */
KERNEL_FN double pool_area(const pool_args *a)
{
    return (double)a->geometry.kernel_h * (double)a->geometry.kernel_w;
}

#endif
