#include <cublas_v2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mocked.h"

enum { POISON = 0xff };

/* What a handle points to. */
typedef struct state {
    cudaStream_t stream;
    void *workspace;
    size_t bytes;
} state;

static state *of(cublasHandle_t handle)
{
    return (state *)(void *)handle;
}

static cublasStatus_t create(cublasHandle_t *handle)
{
    *handle =
        mocked_outside_capture() != cudaSuccess || mocked_fails() ? NULL : calloc(1, sizeof(state));
    return *handle != NULL ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

static cublasStatus_t destroy(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

/* As documented, this takes a workspace away. */
static cublasStatus_t set_stream(cublasHandle_t handle, cudaStream_t stream)
{
    *of(handle) = (state){.stream = stream};
    return mocked_fails() ? CUBLAS_STATUS_INTERNAL_ERROR : CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_workspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    of(handle)->workspace = workspace;
    of(handle)->bytes = bytes;
    return mocked_fails() ? CUBLAS_STATUS_INTERNAL_ERROR : CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_math(cublasHandle_t handle, cublasMath_t mode)
{
    (void)handle;
    bool known = mode == CUBLAS_DEFAULT_MATH || mode == CUBLAS_TF32_TENSOR_OP_MATH;
    return !known || mocked_fails() ? CUBLAS_STATUS_INTERNAL_ERROR : CUBLAS_STATUS_SUCCESS;
}

static const char *status_text(cublasStatus_t status)
{
    (void)status;
    return "mocked failure";
}

/* Matrices by columns: element [i,j] stands at i + j ld. */
typedef struct product {
    void *workspace;
    cublasOperation_t trans_a, trans_b;
    int64_t m, n, k, lda, ldb, ldc;
    double alpha, beta;
    const void *a, *b;
    void *c;
} product;

/* Without its own workspace a product would allocate, and could not be recorded. */
static cublasStatus_t ask(cublasHandle_t handle, mocked_run *run, product *p)
{
    const state *s = of(handle);
    if (s->stream == NULL || s->workspace == NULL || p->m <= 0 || p->n <= 0 || p->k <= 0 ||
        p->lda < (p->trans_a == CUBLAS_OP_N ? p->m : p->k) ||
        p->ldb < (p->trans_b == CUBLAS_OP_N ? p->k : p->n) || p->ldc < p->m || mocked_fails()) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (getenv("ODEON_MOCKED_ALLOCATES") != NULL && mocked_allocate(s->stream) != cudaSuccess) {
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    p->workspace = s->workspace;
    return mocked_ask(s->stream, run, p, sizeof *p) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                   : CUBLAS_STATUS_EXECUTION_FAILED;
}

#define GEMM(name, type)                                                                           \
    static void run_##name(const void *arguments)                                                  \
    {                                                                                              \
        const product *p = arguments;                                                              \
        const type *a = p->a, *b = p->b;                                                           \
        memset(p->workspace, POISON, 4096);                                                        \
        for (int64_t i = 0; i < p->m; i++) {                                                       \
            for (int64_t j = 0; j < p->n; j++) {                                                   \
                double sum = 0.0;                                                                  \
                for (int64_t l = 0; l < p->k; l++) {                                               \
                    sum +=                                                                         \
                        (double)a[p->trans_a == CUBLAS_OP_N ? i + l * p->lda : l + i * p->lda] *   \
                        (double)b[p->trans_b == CUBLAS_OP_N ? l + j * p->ldb : j + l * p->ldb];    \
                }                                                                                  \
                type *to = &((type *)p->c)[i + j * p->ldc];                                        \
                *to = (type)(p->alpha * sum + (p->beta != 0.0 ? p->beta * (double)*to : 0.0));     \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static cublasStatus_t name(cublasHandle_t handle, cublasOperation_t trans_a,                   \
                               cublasOperation_t trans_b, int64_t m, int64_t n, int64_t k,         \
                               const type *alpha, const type *a, int64_t lda, const type *b,       \
                               int64_t ldb, const type *beta, type *c, int64_t ldc)                \
    {                                                                                              \
        product p = {NULL, trans_a,        trans_b,       m, n, k, lda, ldb,                       \
                     ldc,  (double)*alpha, (double)*beta, a, b, c};                                \
        return ask(handle, run_##name, &p);                                                        \
    }
GEMM(sgemm, float)
GEMM(dgemm, double)

#define FIND(text, function)                                                                       \
    if (strcmp(name, text) == 0) {                                                                 \
        memcpy(address, &(void (*)(void)){(void (*)(void))function}, sizeof(void *));              \
        return 1;                                                                                  \
    }

int32_t mocked_blas(const char *name, void *address)
{
    FIND("cublasCreate_v2", create)
    FIND("cublasDestroy_v2", destroy)
    FIND("cublasSetStream_v2", set_stream)
    FIND("cublasSetWorkspace_v2", set_workspace)
    FIND("cublasSetMathMode", set_math)
    FIND("cublasGetStatusString", status_text)
    FIND("cublasSgemm_v2_64", sgemm)
    FIND("cublasDgemm_v2_64", dgemm)
    return 0;
}
