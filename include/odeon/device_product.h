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

/* Products of many pairs of matrices: c[i] = alpha * op(a[i]) op(b[i]) + beta * c[i], i < n, of c
 * [n,M,N]. op(a[i]) [M,K] is a[i] of a[n,M,K] or, with trans_a, of a[n,K,M] transposed; op(b[i])
 * [K,N] likewise. With beta 0 c is not read. K = 0: the sum is 0. A product does not depend on n.
 */
typedef struct odeon_gemm_batch {
    uint32_t struct_size, flags;
    const odeon_view *a, *b;
    const odeon_tensor *c;
    double alpha, beta;
    int32_t trans_a, trans_b;
} odeon_gemm_batch;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_product_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*gemm)(odeon_queue *queue, const odeon_gemm *call);
    odeon_status (*channel_sum)(odeon_queue *queue, const odeon_channel_sum *call);
    /* (optional) NULL, or behind struct_size: the device multiplies single matrices alone. */
    odeon_status (*gemm_batch)(odeon_queue *queue, const odeon_gemm_batch *call);
};

#ifdef __cplusplus
}
#endif
#endif
