#include <cublasLt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mocked.h"

enum { POISON = 0xff, VECTOR_BYTES = 16, WORKSPACE_BYTES = 4096 };

/* What any descriptor or handle points to. */
typedef struct thing {
    cudaDataType type;
    uint64_t rows, columns; /* of a matrix, whose columns are rows numbers apart */
    int32_t trans[2];       /* of a product's factors */
    uint32_t epilogue;
    const void *bias;
    uint64_t bytes; /* of a preference */
    uint32_t schemes, aligned;
} thing;

static cublasStatus_t make(void *out)
{
    void *made = mocked_fails() ? NULL : calloc(1, sizeof(thing));
    memcpy(out, &made, sizeof made);
    return made != NULL ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

static cublasStatus_t create(cublasLtHandle_t *handle)
{
    return mocked_outside_capture() == cudaSuccess ? make(handle) : CUBLAS_STATUS_NOT_INITIALIZED;
}

static cublasStatus_t destroy(cublasLtHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t new_product(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                  cudaDataType_t type)
{
    cublasStatus_t status = make(out);
    if (status == CUBLAS_STATUS_SUCCESS) {
        ((thing *)(void *)*out)->type = type;
    }
    bool is_f32 = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    return (type == CUDA_R_32F) == is_f32 ? status : CUBLAS_STATUS_NOT_SUPPORTED;
}

static cublasStatus_t end_product(cublasLtMatmulDesc_t product)
{
    free(product);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t copy(void *to, size_t to_bytes, const void *from, size_t bytes)
{
    if (bytes != to_bytes || mocked_fails()) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(to, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_product(cublasLtMatmulDesc_t product,
                                  cublasLtMatmulDescAttributes_t attribute, const void *from,
                                  size_t bytes)
{
    thing *p = (void *)product;
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return copy(&p->trans[0], sizeof p->trans[0], from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return copy(&p->trans[1], sizeof p->trans[1], from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return copy(&p->epilogue, sizeof p->epilogue, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return copy(&p->bias, sizeof p->bias, from, bytes);
    default:
        return CUBLAS_STATUS_INVALID_VALUE;
    }
}

static cublasStatus_t new_matrix(cublasLtMatrixLayout_t *out, cudaDataType type, uint64_t rows,
                                 uint64_t columns, int64_t pitch)
{
    cublasStatus_t status = make(out);
    if (status == CUBLAS_STATUS_SUCCESS) {
        *(thing *)(void *)*out = (thing){.type = type, .rows = rows, .columns = columns};
    }
    return pitch == (int64_t)rows ? status : CUBLAS_STATUS_INVALID_VALUE;
}

static cublasStatus_t end_matrix(cublasLtMatrixLayout_t matrix)
{
    free(matrix);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t new_preference(cublasLtMatmulPreference_t *out)
{
    return make(out);
}

static cublasStatus_t end_preference(cublasLtMatmulPreference_t preference)
{
    free(preference);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_preference(cublasLtMatmulPreference_t preference,
                                     cublasLtMatmulPreferenceAttributes_t attribute,
                                     const void *from, size_t bytes)
{
    thing *p = (void *)preference;
    uint32_t alignment = 0;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
        return copy(&p->bytes, sizeof p->bytes, from, bytes);
    }
    if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
        return copy(&p->schemes, sizeof p->schemes, from, bytes);
    }
    cublasStatus_t status = copy(&alignment, sizeof alignment, from, bytes);
    p->aligned += alignment == VECTOR_BYTES;
    return status;
}

static int32_t fits(const thing *p, const thing *a, const thing *b, const thing *c)
{
    uint64_t m = p->trans[0] == CUBLAS_OP_N ? a->rows : a->columns;
    uint64_t k = p->trans[0] == CUBLAS_OP_N ? a->columns : a->rows;
    return p->type == a->type && p->type == b->type && p->type == c->type && c->rows == m &&
           k == (p->trans[1] == CUBLAS_OP_N ? b->rows : b->columns) &&
           c->columns == (p->trans[1] == CUBLAS_OP_N ? b->columns : b->rows);
}

/* One algorithm, which is of this shape: it takes the workspace, parts of sums by a fixed order and
 * no better alignment than is promised. */
static cublasStatus_t algorithms(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                 cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                 cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                 cublasLtMatmulPreference_t preference, int most,
                                 cublasLtMatmulHeuristicResult_t *found, int *n)
{
    const thing *p = (void *)product, *wanted = (void *)preference;
    *n = 0;
    if (handle == NULL || c != d || most < 1 || wanted->bytes < WORKSPACE_BYTES ||
        wanted->schemes != CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE || wanted->aligned != 4 ||
        !fits(p, (void *)a, (void *)b, (void *)c) || mocked_fails()) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (getenv("ODEON_MOCKED_NO_EPILOGUE") != NULL) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    memset(found, 0, sizeof *found);
    found->algo.data[0] = (uint64_t)(uintptr_t)product;
    *n = 1;
    return CUBLAS_STATUS_SUCCESS;
}

/* ---- products ---- */

typedef struct call {
    thing p, a, b, c;
    const void *from_a, *from_b;
    void *to, *workspace;
    int32_t hides_nan, reserved0;
} call;

static double get(const thing *t, const void *from, uint64_t i)
{
    return t->type == CUDA_R_32F ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static void put(const thing *t, void *to, uint64_t i, double value)
{
    if (t->type == CUDA_R_32F) {
        ((float *)to)[i] = (float)value;
    } else {
        ((double *)to)[i] = value;
    }
}

static double factor(const thing *t, const void *from, int32_t trans, uint64_t i, uint64_t j)
{
    return get(t, from, trans == CUBLAS_OP_N ? i + j * t->rows : j + i * t->rows);
}

static void run(const void *arguments)
{
    const call *v = arguments;
    uint64_t depth = v->p.trans[0] == CUBLAS_OP_N ? v->a.columns : v->a.rows;
    memset(v->workspace, POISON, WORKSPACE_BYTES);
    for (uint64_t at = 0; at < v->c.rows * v->c.columns; at++) {
        uint64_t i = at % v->c.rows, j = at / v->c.rows;
        double sum = 0.0;
        for (uint64_t k = 0; k < depth; k++) {
            sum += factor(&v->a, v->from_a, v->p.trans[0], i, k) *
                   factor(&v->b, v->from_b, v->p.trans[1], k, j);
        }
        put(&v->c, v->to, at, sum);
        put(&v->c, v->to, at, get(&v->c, v->to, at) + get(&v->c, v->p.bias, i));
        double value = get(&v->c, v->to, at);
        if (v->p.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS &&
            (value < 0.0 || (v->hides_nan && value != value))) {
            put(&v->c, v->to, at, 0.0);
        }
    }
}

static cublasStatus_t multiply(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                               const void *alpha, const void *from_a, cublasLtMatrixLayout_t a,
                               const void *from_b, cublasLtMatrixLayout_t b, const void *beta,
                               const void *from_c, cublasLtMatrixLayout_t c, void *to,
                               cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algorithm,
                               void *workspace, size_t bytes, cudaStream_t stream)
{
    const thing *p = (void *)product;
    const uintptr_t all = (uintptr_t)from_a | (uintptr_t)from_b | (uintptr_t)to;
    if (handle == NULL || stream == NULL || from_c != to || c != d || workspace == NULL ||
        bytes < WORKSPACE_BYTES || algorithm->data[0] != (uint64_t)(uintptr_t)product ||
        p->bias == NULL || (all | (uintptr_t)p->bias) % VECTOR_BYTES != 0 ||
        get(p, alpha, 0) != 1.0 || get(p, beta, 0) != 0.0 ||
        !fits(p, (void *)a, (void *)b, (void *)c) || mocked_fails()) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (getenv("ODEON_MOCKED_ALLOCATES") != NULL && mocked_allocate(stream) != cudaSuccess) {
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    const call v = {.p = *p,
                    .a = *(const thing *)(void *)a,
                    .b = *(const thing *)(void *)b,
                    .c = *(const thing *)(void *)c,
                    .from_a = from_a,
                    .from_b = from_b,
                    .to = to,
                    .workspace = workspace,
                    .hides_nan = getenv("ODEON_MOCKED_HIDES_NAN") != NULL};
    return mocked_ask(stream, run, &v, sizeof v) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                : CUBLAS_STATUS_EXECUTION_FAILED;
}

#define FIND(text, function)                                                                       \
    if (strcmp(name, text) == 0) {                                                                 \
        memcpy(address, &(void (*)(void)){(void (*)(void))function}, sizeof(void *));              \
        return 1;                                                                                  \
    }

int32_t mocked_blas_lt(const char *name, void *address)
{
    FIND("cublasLtCreate", create)
    FIND("cublasLtDestroy", destroy)
    FIND("cublasLtMatmulDescCreate", new_product)
    FIND("cublasLtMatmulDescDestroy", end_product)
    FIND("cublasLtMatmulDescSetAttribute", set_product)
    FIND("cublasLtMatrixLayoutCreate", new_matrix)
    FIND("cublasLtMatrixLayoutDestroy", end_matrix)
    FIND("cublasLtMatmulPreferenceCreate", new_preference)
    FIND("cublasLtMatmulPreferenceDestroy", end_preference)
    FIND("cublasLtMatmulPreferenceSetAttribute", set_preference)
    FIND("cublasLtMatmulAlgoGetHeuristic", algorithms)
    FIND("cublasLtMatmul", multiply)
    return 0;
}
