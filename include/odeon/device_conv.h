/* device_conv.h: family conv: convolutions of images.
 *
 * Draft. To be seen before it is frozen: a device of other hardware, its scratch memory and
 * layouts of images among it. */
#ifndef ODEON_DEVICE_CONV_H
#define ODEON_DEVICE_CONV_H
#include "odeon/device.h"
#include "odeon/device_pointwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Final. */
typedef struct odeon_conv_geometry {
    int32_t stride_h, stride_w, padding_h, padding_w; /* zeros are padded */
} odeon_conv_geometry;

/* y[B,K,P,Q] = cross-correlation of x[B,C,H,W] with w[K,C,R,S], then bias[K] and act as in gemm;
 * P = (H + 2 padding_h - R) / stride_h + 1, rounded down, Q likewise. */
typedef struct odeon_conv2d {
    uint32_t struct_size, flags;
    odeon_conv_geometry geometry;
    const odeon_view *x, *w, *bias;
    const odeon_tensor *y;
    void *scratch;
    int32_t act, reserved0;
} odeon_conv2d;

/* dx = the vector-Jacobian product by x. */
typedef struct odeon_conv2d_vjp_x {
    uint32_t struct_size, flags;
    odeon_conv_geometry geometry;
    const odeon_view *w, *dy;
    const odeon_tensor *dx;
    void *scratch;
} odeon_conv2d_vjp_x;

/* Adds to dw[K,C,R,S]. */
typedef struct odeon_conv2d_vjp_w {
    uint32_t struct_size, flags;
    odeon_conv_geometry geometry;
    const odeon_view *x, *dy;
    const odeon_tensor *dw;
    void *scratch;
} odeon_conv2d_vjp_w;

/* y = act(the convolution of x, and of t if there is one, with w, then bias). t, F64 [1] or [B], is
 * one more channel of x, before the others where time_first is 1, else behind them, which is t,
 * rounded to x's dtype, at every pixel: w is [K,C+1,R,S] then. NULL: there is none. With x_stats,
 * F64 [2,C], the image is what batch_norm (device_norm.h) makes of x by x_stats, x_w, x_b and
 * x_act; zeros are padded to that. NULL: it is x. */
typedef struct odeon_conv2d_fused {
    uint32_t struct_size, flags;
    odeon_conv_geometry geometry;
    const odeon_view *x, *w, *bias, *t;
    const odeon_tensor *y;
    void *scratch;
    int32_t act, time_first;
    const odeon_view *x_stats, *x_w, *x_b;
    int32_t x_act, reserved0;
} odeon_conv2d_fused;

/* All vector-Jacobian products of conv2d_fused: overwrites dx, adds to dw of w's shape, dbias[K]
 * and d_t of t's shape; each is NULL where it is not wanted. dy is the cotangent of what act gave;
 * with an act that is not the identity y is read, too. With x_stats dx is the cotangent of what
 * batch_norm makes of x. */
typedef struct odeon_conv2d_fused_vjp {
    uint32_t struct_size, flags;
    odeon_conv_geometry geometry;
    const odeon_view *x, *w, *t, *y, *dy;
    const odeon_tensor *dx, *dw, *dbias, *d_t;
    void *scratch;
    int32_t act, time_first;
    const odeon_view *x_stats, *x_w, *x_b;
    int32_t x_act, reserved0;
} odeon_conv2d_fused_vjp;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_conv_family {
    uint32_t struct_size, flags; /* none yet */
    /* Bytes of scratch that each of the three below needs for x[B,C,H,W] and w[K,C,R,S]; no data is
     * looked at. [any; build] */
    uint64_t (*conv2d_scratch)(const odeon_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w);
    odeon_status (*conv2d)(odeon_queue *queue, const odeon_conv2d *call);
    odeon_status (*conv2d_vjp_x)(odeon_queue *queue, const odeon_conv2d_vjp_x *call);
    odeon_status (*conv2d_vjp_w)(odeon_queue *queue, const odeon_conv2d_vjp_w *call);

    /* ---- optional: all three or none; a device that replaces one of those above leaves them out,
     * since layers call these where they are ---- */

    /* As conv2d_scratch, for the two below; w has one channel more than x where there is a t.
     * [any; build] */
    uint64_t (*conv2d_fused_scratch)(const odeon_device *device,
                                     const odeon_conv_geometry *geometry, const odeon_shape *x,
                                     const odeon_shape *w);
    odeon_status (*conv2d_fused)(odeon_queue *queue, const odeon_conv2d_fused *call);
    odeon_status (*conv2d_fused_vjp)(odeon_queue *queue, const odeon_conv2d_fused_vjp *call);
};

#ifdef __cplusplus
}
#endif
#endif
