/* Products by cuBLAS, with a fixed workspace, so that equal shapes give equal bits and a product
 * can be recorded. Those with bias and ReLU go to cuBLASLt first. */
#include "blas.h"

#include <cublas_v2.h>
#include <string.h>

#include "blas_lt.h"
#include "failure.h"
#include "launch.h"
#include "library.h"
#include "odeon/device_product.h"
#include "ops/norm.h"
#include "ops/product.h"
#include "recorder.h"

/* X(function, field): the calls of cuBLAS that are used; their types are its header's. */
#define FUNCTIONS(X)                                                                               \
    X(cublasCreate_v2, create)                                                                     \
    X(cublasDestroy_v2, destroy)                                                                   \
    X(cublasSetStream_v2, set_stream)                                                              \
    X(cublasSetWorkspace_v2, set_workspace)                                                        \
    X(cublasSetMathMode, set_math)                                                                 \
    X(cublasGetStatusString, status_text)                                                          \
    X(cublasSgemm_v2_64, sgemm)                                                                    \
    X(cublasDgemm_v2_64, dgemm)

#define FIELD_(function, field) __typeof__(&(function)) field;
struct cuda_blas {
    FUNCTIONS(FIELD_)
    cublasHandle_t handle;
    void *workspace;
    cuda_blas_lt *lt;
};

#define SYMBOL_(function, field) {#function, offsetof(cuda_blas, field)},
static const cuda_symbol symbols[] = {FUNCTIONS(SYMBOL_)};

enum { WORKSPACE_BYTES = 32 << 20 }; /* what NVIDIA advises for its largest GPUs */

static odeon_status check(const cuda_device *d, const cuda_blas *blas, cublasStatus_t status,
                          const char *what)
{
    if (status == CUBLAS_STATUS_SUCCESS) {
        return ODEON_OK;
    }
    return odeon_fail(d->host,
                      status == CUBLAS_STATUS_ALLOC_FAILED ? ODEON_ERR_NOMEM : ODEON_ERR_DEVICE,
                      "cuda: cuBLAS: %s: %s", what, blas->status_text(status));
}

static odeon_status open_blas(const cuda_device *d, cudaStream_t stream, cuda_blas *blas)
{
    ODEON_TRY(cuda_library_load(d, "libcublas.so." ODEON_TEXT(CUBLAS_VER_MAJOR), "set blas = own",
                                sizeof symbols / sizeof *symbols, symbols, blas));
    ODEON_TRY(check(d, blas, blas->create(&blas->handle), "starting"));
    ODEON_TRY(check(d, blas, blas->set_stream(blas->handle, stream), "taking a stream"));
    ODEON_TRY(cuda_check(d, cudaMalloc(&blas->workspace, WORKSPACE_BYTES),
                         "asking for the workspace of cuBLAS"));
    ODEON_TRY(check(d, blas, blas->set_workspace(blas->handle, blas->workspace, WORKSPACE_BYTES),
                    "taking its workspace"));
    /* The default keeps all bits of float32 too, and is faster than the pedantic one. */
    cublasMath_t math =
        d->math == CUDA_MATH_TF32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
    ODEON_TRY(check(d, blas, blas->set_math(blas->handle, math), "choosing its arithmetic"));
    return cuda_blas_lt_open(d, &blas->lt);
}

odeon_status cuda_blas_open(cuda_queue *queue)
{
    const cuda_device *d = queue->device;
    if (queue->blas != NULL || d->blas == CUDA_OWN) {
        return ODEON_OK;
    }
    cuda_blas *opened = d->host->alloc(d->host, sizeof *opened);
    if (opened == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes",
                          sizeof *opened);
    }
    memset(opened, 0, sizeof *opened);
    odeon_status status = cuda_use_card(d);
    if (status == ODEON_OK) {
        status = open_blas(d, queue->stream, opened);
    }
    if (status != ODEON_OK) {
        cuda_blas_close(d, opened);
        return status;
    }
    queue->blas = opened;
    return ODEON_OK;
}

void cuda_blas_close(const cuda_device *d, cuda_blas *blas)
{
    if (blas != NULL) {
        cuda_blas_lt_close(d, blas->lt);
        if (blas->handle != NULL) {
            (void)blas->destroy(blas->handle);
        }
        (void)cudaFree(blas->workspace);
        d->host->free(d->host, blas);
    }
}

/* cuBLAS counts along columns: what is row-major [M,N] to us is its [N,M], so the factors change
 * places and keep their transpositions. */
static cublasStatus_t multiply(const cuda_blas *blas, const odeon_gemm *call, const gemm_args *g)
{
    cublasOperation_t of_a = call->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t of_b = call->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    int64_t pitch_a = call->trans_a ? g->M : g->K, pitch_b = call->trans_b ? g->K : g->N;
    if (call->c->view.shape.dtype == ODEON_DTYPE_F32) {
        const float alpha = (float)g->alpha, beta = (float)g->beta;
        return blas->sgemm(blas->handle, of_b, of_a, g->N, g->M, g->K, &alpha, g->b, pitch_b, g->a,
                           pitch_a, &beta, g->c, g->N);
    }
    return blas->dgemm(blas->handle, of_b, of_a, g->N, g->M, g->K, &g->alpha, g->b, pitch_b, g->a,
                       pitch_a, &g->beta, g->c, g->N);
}

static odeon_status gemm(odeon_queue *queue, const odeon_gemm *call)
{
    cuda_queue *q = cuda_queue_of(queue);
    gemm_args g;
    int32_t done;
    if (q->device->blas == CUDA_OWN) {
        return ops_product.gemm(queue, call);
    }
    ODEON_TRY(gemm_arguments(queue, call, &g));
    if (g.M * g.N * g.K == 0) { /* a library may not take that */
        return ops_product.gemm(queue, call);
    }
    ODEON_TRY(cuda_blas_open(q));
    ODEON_TRY(
        cuda_blas_lt_gemm(q, q->blas->lt, q->blas->workspace, WORKSPACE_BYTES, call, &g, &done));
    if (done) {
        return ODEON_OK;
    }
    ODEON_TRY(cuda_begin(q));
    cublasStatus_t answer = multiply(q->blas, call, &g);
    ODEON_TRY(cuda_spoil(q, check(q->device, q->blas, answer, "gemm")));
    return finish_product(queue, call->c, 1, g.N, call->bias, call->act);
}

const odeon_product_family cuda_product = {
    .struct_size = sizeof(odeon_product_family),
    .gemm = gemm,
    .channel_sum = ops_channel_sum,
    .gemm_batch = ops_gemm_batch,
};
