#include <cublas_v2.h>
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
    *handle = mocked_fails() ? NULL : calloc(1, sizeof(state));
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
    return mode != CUBLAS_PEDANTIC_MATH || mocked_fails() ? CUBLAS_STATUS_INTERNAL_ERROR
                                                          : CUBLAS_STATUS_SUCCESS;
}

static const char *status_text(cublasStatus_t status)
{
    (void)status;
    return "mocked failure";
}

/* Without its own workspace a product would allocate, and could not be recorded. */
static int32_t is_ready(cublasHandle_t handle, cublasOperation_t trans_a, cublasOperation_t trans_b,
                        int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc)
{
    const state *s = of(handle);
    if (s->stream == NULL || s->workspace == NULL || m <= 0 || n <= 0 || k <= 0 ||
        lda < (trans_a == CUBLAS_OP_N ? m : k) || ldb < (trans_b == CUBLAS_OP_N ? k : n) ||
        ldc < m || mocked_fails()) {
        return 0;
    }
    memset(s->workspace, POISON, 4096);
    return 1;
}

/* Matrices by columns: element [i,j] stands at i + j ld. */
#define GEMM(name, type)                                                                           \
    static cublasStatus_t name(cublasHandle_t handle, cublasOperation_t trans_a,                   \
                               cublasOperation_t trans_b, int64_t m, int64_t n, int64_t k,         \
                               const type *alpha, const type *a, int64_t lda, const type *b,       \
                               int64_t ldb, const type *beta, type *c, int64_t ldc)                \
    {                                                                                              \
        if (!is_ready(handle, trans_a, trans_b, m, n, k, lda, ldb, ldc)) {                         \
            return CUBLAS_STATUS_INVALID_VALUE;                                                    \
        }                                                                                          \
        for (int64_t i = 0; i < m; i++) {                                                          \
            for (int64_t j = 0; j < n; j++) {                                                      \
                double sum = 0.0;                                                                  \
                for (int64_t l = 0; l < k; l++) {                                                  \
                    sum += (double)a[trans_a == CUBLAS_OP_N ? i + l * lda : l + i * lda] *         \
                           (double)b[trans_b == CUBLAS_OP_N ? l + j * ldb : j + l * ldb];          \
                }                                                                                  \
                type *to = &c[i + j * ldc];                                                        \
                *to = (type)((double)*alpha * sum + (*beta != 0 ? (double)(*beta * *to) : 0.0));   \
            }                                                                                      \
        }                                                                                          \
        return CUBLAS_STATUS_SUCCESS;                                                              \
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
