/* product.h: what products and convolutions check, for those that hand them to a library too. */
#ifndef ODEON_CUDA_OPS_PRODUCT_H
#define ODEON_CUDA_OPS_PRODUCT_H
#include "odeon/device_conv.h"
#include "odeon/device_product.h"
#include "ops.h"

/* Shapes checked, as arguments of the kernels gemm, conv, conv_vjp_x, conv_vjp_w. */
odeon_status gemm_arguments(odeon_queue *queue, const odeon_gemm *call, gemm_args *out);
odeon_status conv_arguments(odeon_queue *queue, const odeon_conv2d *call, conv_args *out);
odeon_status conv_vjp_x_arguments(odeon_queue *queue, const odeon_conv2d_vjp_x *call,
                                  conv_args *out);
odeon_status conv_vjp_w_arguments(odeon_queue *queue, const odeon_conv2d_vjp_w *call,
                                  conv_args *out);
/* The sizes alone. */
conv_args conv_shape(const odeon_conv_geometry *geometry, const odeon_shape *x,
                     const odeon_shape *w);
/* Whole, of kernels of our own. */
odeon_status ops_gemm_batch(odeon_queue *queue, const odeon_gemm_batch *call);
/* bias (NULL: none) and act on what a product has left in y, channels standing inner elements at a
 * time. */
odeon_status finish_product(odeon_queue *queue, const odeon_tensor *y, int64_t inner,
                            int64_t channels, const odeon_view *bias, int32_t act);

#endif
