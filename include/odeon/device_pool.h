/* device_pool.h: family pool: pooling of images.
 *
 * Draft. To be seen before it is frozen: a device of other hardware, and pooling in fields that
 * are differentiated forward. */
#ifndef ODEON_DEVICE_POOL_H
#define ODEON_DEVICE_POOL_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ODEON_POOL_AVG = 0, ODEON_POOL_MAX = 1 };

/* Final. */
typedef struct odeon_pool_geometry {
    int32_t kind, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, reserved0;
} odeon_pool_geometry;

/* y[B,C,P,Q] from x[B,C,H,W]; P, Q as in conv2d. AVG divides by kernel_h * kernel_w, padded zeros
 * included, as PyTorch's AvgPool2d. MAX takes the largest that is not padding (none: -infinity),
 * the first of equals in row-major order; NaN is larger than all, the last of several counts; as
 * PyTorch's MaxPool2d. */
typedef struct odeon_pool2d {
    uint32_t struct_size, flags;
    odeon_pool_geometry geometry;
    const odeon_view *x;
    const odeon_tensor *y;
} odeon_pool2d;

/* dx from dy; x: MAX only, else NULL. */
typedef struct odeon_pool2d_vjp {
    uint32_t struct_size, flags;
    odeon_pool_geometry geometry;
    const odeon_view *x, *dy;
    const odeon_tensor *dx;
} odeon_pool2d_vjp;

/* The derivative of y along x_dot, MAX only: y_dot[B,C,P,Q] is x_dot where the element of x stands
 * that pool2d takes; 0 for a window of padding alone. */
typedef struct odeon_pool2d_jvp {
    uint32_t struct_size, flags;
    odeon_pool_geometry geometry;
    const odeon_view *x, *x_dot;
    const odeon_tensor *y_dot;
} odeon_pool2d_jvp;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_pool_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*pool2d)(odeon_queue *queue, const odeon_pool2d *call);
    odeon_status (*pool2d_vjp)(odeon_queue *queue, const odeon_pool2d_vjp *call);
    /* (optional) Without it there are no tangents (device_dual.h) of MAX whose windows overlap. */
    odeon_status (*pool2d_jvp)(odeon_queue *queue, const odeon_pool2d_jvp *call);
};

#ifdef __cplusplus
}
#endif
#endif
