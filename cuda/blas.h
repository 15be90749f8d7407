/* blas.h: products by cuBLAS. */
#ifndef ODEON_CUDA_BLAS_H
#define ODEON_CUDA_BLAS_H
#include "cuda.h"
#include "odeon/device_product.h"

/* cuda_blas_close takes NULL. A queue that only copies never loads cuBLAS, and one that
 * records has to have it before, as it takes memory when it starts. */
odeon_status cuda_blas_open(cuda_queue *queue);
void cuda_blas_close(const cuda_device *d, cuda_blas *blas);

extern const odeon_product_family cuda_product;

#endif
