/* blas_lt.h: products with bias and ReLU in one call, by cuBLASLt. */
#ifndef ODEON_CUDA_BLAS_LT_H
#define ODEON_CUDA_BLAS_LT_H
#include "cuda.h"
#include "odeon/device_product.h"

typedef struct cuda_blas_lt cuda_blas_lt;

/* Loads it. *out is NULL on failure; close takes NULL. */
odeon_status cuda_blas_lt_open(const cuda_device *d, cuda_blas_lt **out);
void cuda_blas_lt_close(const cuda_device *d, cuda_blas_lt *lt);

/* Does call, of the checked arguments g, if cuBLASLt does all of it; *done then, else nothing.
 * workspace: device memory, which all calls of the queue's stream share. */
odeon_status cuda_blas_lt_gemm(cuda_queue *queue, cuda_blas_lt *lt, void *workspace,
                               uint64_t workspace_bytes, const odeon_gemm *call, const gemm_args *g,
                               int32_t *done);

#endif
