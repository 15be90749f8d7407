/* blas.h: products by cuBLAS. */
#ifndef ODEON_CUDA_BLAS_H
#define ODEON_CUDA_BLAS_H
#include "cuda.h"

/* cuda_blas_close takes NULL. A queue that only copies never loads cuBLAS, and one that
 * records has to have it before, as it takes memory when it starts. */
odeon_status cuda_blas_open(odeon_queue *queue);
void cuda_blas_close(const cuda_device *d, cuda_blas *blas);
odeon_status cuda_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                       const odeon_tensor *a, const odeon_tensor *b, double beta,
                       const odeon_tensor *c, const odeon_epilogue *epilogue);

#endif
