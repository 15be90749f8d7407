/* device_product.h: family product: matrix products.
 *
 * Draft. To be seen before it is frozen: factors and solves of many small systems, and products
 * in half precision. */
#ifndef ODEON_DEVICE_PRODUCT_H
#define ODEON_DEVICE_PRODUCT_H
#include "odeon/device.h"
#include "odeon/device_pointwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* c[M,N] = alpha * op(a) op(b) + beta * c, then bias[N] is added (NULL: not), then the unary id
 * act, up to ODEON_UNARY_LAST_EPILOGUE. op(a) [M,K] is a or, with trans_a, a[K,M] transposed; op(b)
 * [K,N] likewise. With beta 0 c is not read; with bias or act beta is 0. K = 0: the sum is 0. */
typedef struct odeon_gemm {
    uint32_t struct_size, flags;
    const odeon_view *a, *b, *bias;
    const odeon_tensor *c;
    double alpha, beta;
    int32_t trans_a, trans_b, act, reserved0;
} odeon_gemm;

/* bias[C] += sum over B and S of x[B,C,S]. */
typedef struct odeon_channel_sum {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *bias;
} odeon_channel_sum;

/* All vector-Jacobian products of y[B,K] = act(x[B,N] w[K,N]^T + bias[K]), with act as in gemm:
 * overwrites dx, adds to dw and dbias, each of which is NULL where it is not wanted. dy is the
 * cotangent of what act gave; with an act that is not the identity y is read, too. w is read for dx
 * alone, x for dw alone. dx does not overlap dy. */
typedef struct odeon_dense_vjp {
    uint32_t struct_size, flags;
    const odeon_view *x, *w, *y, *dy;
    const odeon_tensor *dx, *dw, *dbias;
    void *scratch;
    int32_t act, reserved0;
} odeon_dense_vjp;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_product_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*gemm)(odeon_queue *queue, const odeon_gemm *call);
    odeon_status (*channel_sum)(odeon_queue *queue, const odeon_channel_sum *call);

    /* ---- optional: both or none; a device that replaces one of those above leaves them out, since
     * layers call these where they are ---- */

    /* Bytes of scratch that dense_vjp needs for x[B,N] and w[K,N]; no data is looked at.
     * [any; build] */
    uint64_t (*dense_vjp_scratch)(const odeon_device *device, const odeon_shape *x,
                                  const odeon_shape *w);
    odeon_status (*dense_vjp)(odeon_queue *queue, const odeon_dense_vjp *call);
};

#ifdef __cplusplus
}
#endif
#endif
