/* product.h: what products and convolutions check, for those that hand them to a library too. */
#ifndef ODEON_CUDA_OPS_PRODUCT_H
#define ODEON_CUDA_OPS_PRODUCT_H
#include "ops.h"

/* Shapes checked, as arguments of the kernel gemm. */
odeon_status gemm_arguments(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                            const odeon_tensor *a, const odeon_tensor *b, double beta,
                            const odeon_tensor *c, const odeon_epilogue *epilogue, gemm_args *out);
/* The same of the kernels conv, conv_vjp_x, conv_vjp_w; epilogue may be NULL. */
odeon_status conv_arguments(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w, const odeon_tensor *y,
                            const odeon_epilogue *epilogue, conv_args *out);
/* The sizes alone, of tensors that may be mere shapes. */
conv_args conv_shape(const odeon_conv2d *geometry, const odeon_tensor *x, const odeon_tensor *w);
/* The epilogue on what a product has left in y, channels standing inner elements at a time. */
odeon_status finish_product(odeon_queue *queue, const odeon_tensor *y, int64_t inner,
                            int64_t channels, const odeon_epilogue *epilogue);

#endif
