/* Products with what follows them by cuBLASLt. It wants each shape described, and is asked once a
 * shape which of its kernels to take: of those whose sums have a fixed order its first. */
#include "blas_lt.h"

#include <cublasLt.h>
#include <string.h>

#include "epilogue.h"
#include "failure.h"
#include "launch.h"
#include "library.h"
#include "recorder.h"

/* X(function, field): the calls of cuBLASLt that are used; their types are its header's. */
#define FUNCTIONS(X)                                                                               \
    X(cublasLtCreate, create)                                                                      \
    X(cublasLtDestroy, destroy)                                                                    \
    X(cublasLtMatmulDescCreate, new_product)                                                       \
    X(cublasLtMatmulDescDestroy, end_product)                                                      \
    X(cublasLtMatmulDescSetAttribute, set_product)                                                 \
    X(cublasLtMatrixLayoutCreate, new_matrix)                                                      \
    X(cublasLtMatrixLayoutDestroy, end_matrix)                                                     \
    X(cublasLtMatmulPreferenceCreate, new_preference)                                              \
    X(cublasLtMatmulPreferenceDestroy, end_preference)                                             \
    X(cublasLtMatmulPreferenceSetAttribute, set_preference)                                        \
    X(cublasLtMatmulAlgoGetHeuristic, algorithms)                                                  \
    X(cublasLtMatmul, multiply)

/* A shape with its function. The matrices are columns to cuBLASLt: what is row-major [M,N] to us is
 * its [N,M], so b is its first factor, and bias stands along its rows. */
typedef struct lt_plan {
    int64_t key[7]; /* what make_key says */
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    _Atomic int32_t state; /* EPILOGUE_ */
    struct lt_plan *next;
} lt_plan;

#define FIELD_(function, field) __typeof__(&(function)) field;
struct cuda_blas_lt {
    FUNCTIONS(FIELD_)
    cublasLtHandle_t handle;
    lt_plan *plans;
};

#define SYMBOL_(function, field) {#function, offsetof(cuda_blas_lt, field)},
static const cuda_symbol symbols[] = {FUNCTIONS(SYMBOL_)};

enum { ALIGNMENT = 16 }; /* of matrices, which an algorithm may read in vectors */

/* ---- open, close ---- */

static odeon_status check(const cuda_device *d, cublasStatus_t status, const char *what)
{
    if (status == CUBLAS_STATUS_SUCCESS) {
        return ODEON_OK;
    }
    return odeon_fail(
        d->host, status == CUBLAS_STATUS_ALLOC_FAILED ? ODEON_ERR_NOMEM : ODEON_ERR_DEVICE,
        "cuda: cuBLASLt: %s: status %d; blas = own goes without it", what, (int)status);
}

odeon_status cuda_blas_lt_open(const cuda_device *d, cuda_blas_lt **out)
{
    *out = NULL;
    cuda_blas_lt *lt = d->host->alloc(d->host, sizeof *lt);
    if (lt == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *lt);
    }
    memset(lt, 0, sizeof *lt);
    odeon_status status =
        cuda_library_load(d, "libcublasLt.so." ODEON_TEXT(CUBLAS_VER_MAJOR), "set blas = own",
                          sizeof symbols / sizeof *symbols, symbols, lt);
    if (status == ODEON_OK) {
        status = check(d, lt->create(&lt->handle), "starting");
    }
    if (status != ODEON_OK) {
        cuda_blas_lt_close(d, lt);
        return status;
    }
    *out = lt;
    return ODEON_OK;
}

static void destroy_plan(const cuda_device *d, const cuda_blas_lt *lt, lt_plan *p)
{
    const cublasLtMatrixLayout_t matrices[] = {p->a, p->b, p->c};
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) {
        if (matrices[i] != NULL) {
            (void)lt->end_matrix(matrices[i]);
        }
    }
    if (p->product != NULL) {
        (void)lt->end_product(p->product);
    }
    d->host->free(d->host, p);
}

void cuda_blas_lt_close(const cuda_device *d, cuda_blas_lt *lt)
{
    if (lt == NULL) {
        return;
    }
    while (lt->plans != NULL) {
        lt_plan *plan = lt->plans;
        lt->plans = plan->next;
        destroy_plan(d, lt, plan);
    }
    if (lt->handle != NULL) {
        (void)lt->destroy(lt->handle);
    }
    d->host->free(d->host, lt);
}

/* ---- plans ---- */

static void make_key(const odeon_gemm *call, const gemm_args *g, int64_t *key)
{
    const int64_t made[] = {
        call->c->view.shape.dtype, g->M, g->N, g->K, call->trans_a, call->trans_b, g->act};
    memcpy(key, made, sizeof made);
}

static lt_plan *find_plan(const cuda_blas_lt *lt, const int64_t *key)
{
    lt_plan *plan = lt->plans;
    while (plan != NULL && memcmp(plan->key, key, sizeof plan->key) != 0) {
        plan = plan->next;
    }
    return plan;
}

static odeon_status describe_product(const cuda_device *d, const cuda_blas_lt *lt,
                                     const odeon_gemm *call, lt_plan *p)
{
    const int32_t of_b = call->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int32_t of_a = call->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const uint32_t epilogue =
        call->act == ODEON_UNARY_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    const int32_t is_f32 = call->c->view.shape.dtype == ODEON_DTYPE_F32;
    const cublasComputeType_t f32 =
        d->math == CUDA_MATH_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    ODEON_TRY(check(d,
                    lt->new_product(&p->product, is_f32 ? f32 : CUBLAS_COMPUTE_64F,
                                    is_f32 ? CUDA_R_32F : CUDA_R_64F),
                    "describing a product"));
    ODEON_TRY(check(d, lt->set_product(p->product, CUBLASLT_MATMUL_DESC_TRANSA, &of_b, sizeof of_b),
                    "describing a product"));
    ODEON_TRY(check(d, lt->set_product(p->product, CUBLASLT_MATMUL_DESC_TRANSB, &of_a, sizeof of_a),
                    "describing a product"));
    return check(
        d, lt->set_product(p->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue),
        "describing an epilogue");
}

/* Columns of pitch elements. */
static odeon_status describe_matrix(const cuda_device *d, const cuda_blas_lt *lt, uint32_t dtype,
                                    int64_t rows, int64_t columns, cublasLtMatrixLayout_t *out)
{
    const cudaDataType type = dtype == ODEON_DTYPE_F32 ? CUDA_R_32F : CUDA_R_64F;
    return check(d, lt->new_matrix(out, type, (uint64_t)rows, (uint64_t)columns, rows),
                 "describing a matrix");
}

static odeon_status describe(const cuda_device *d, const cuda_blas_lt *lt, const odeon_gemm *call,
                             const gemm_args *g, lt_plan *p)
{
    uint32_t dtype = call->c->view.shape.dtype;
    ODEON_TRY(describe_product(d, lt, call, p));
    ODEON_TRY(describe_matrix(d, lt, dtype, call->trans_b ? g->K : g->N,
                              call->trans_b ? g->N : g->K, &p->b));
    ODEON_TRY(describe_matrix(d, lt, dtype, call->trans_a ? g->M : g->K,
                              call->trans_a ? g->K : g->M, &p->a));
    return describe_matrix(d, lt, dtype, g->N, g->M, &p->c);
}

/* Sums of a fixed order: parts of a sum, where there are any, go through the workspace. */
static odeon_status describe_preference(const cuda_device *d, const cuda_blas_lt *lt,
                                        cublasLtMatmulPreference_t preference, uint64_t bytes)
{
    static const cublasLtMatmulPreferenceAttributes_t alignments[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    const uint32_t alignment = ALIGNMENT, schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    cublasStatus_t status = lt->set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                               &bytes, sizeof bytes);
    if (status == CUBLAS_STATUS_SUCCESS) {
        status = lt->set_preference(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                    &schemes, sizeof schemes);
    }
    for (size_t i = 0; i < 4 && status == CUBLAS_STATUS_SUCCESS; i++) {
        status = lt->set_preference(preference, alignments[i], &alignment, sizeof alignment);
    }
    return check(d, status, "saying what is wanted");
}

/* The first algorithm of its list; where the list is empty the epilogue is refused. */
static odeon_status choose_algorithm(const cuda_device *d, const cuda_blas_lt *lt, uint64_t bytes,
                                     lt_plan *p)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t found;
    int n = 0;
    ODEON_TRY(check(d, lt->new_preference(&preference), "saying what is wanted"));
    odeon_status status = describe_preference(d, lt, preference, bytes);
    if (status == ODEON_OK) {
        cublasStatus_t answer = lt->algorithms(lt->handle, p->product, p->b, p->a, p->c, p->c,
                                               preference, 1, &found, &n);
        if (answer == CUBLAS_STATUS_SUCCESS && n > 0 && found.state == CUBLAS_STATUS_SUCCESS) {
            p->algorithm = found.algo;
        } else {
            atomic_store_explicit(&p->state, EPILOGUE_REFUSED, memory_order_relaxed);
        }
    }
    (void)lt->end_preference(preference);
    return status;
}

static odeon_status add_plan(const cuda_device *d, cuda_blas_lt *lt, uint64_t bytes,
                             const odeon_gemm *call, const gemm_args *g, lt_plan **out)
{
    lt_plan *p = d->host->alloc(d->host, sizeof *p);
    *out = NULL;
    if (p == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *p);
    }
    memset(p, 0, sizeof *p);
    make_key(call, g, p->key);
    odeon_status status = describe(d, lt, call, g, p);
    status = status == ODEON_OK ? choose_algorithm(d, lt, bytes, p) : status;
    if (status != ODEON_OK) {
        destroy_plan(d, lt, p);
        return status;
    }
    p->next = lt->plans;
    lt->plans = *out = p;
    return ODEON_OK;
}

/* ---- products ---- */

typedef struct lt_call {
    cuda_queue *queue;
    const cuda_blas_lt *lt;
    const lt_plan *plan;
    const gemm_args *g;
    void *workspace;
    uint64_t bytes;
} lt_call;

static odeon_status run(const void *call, const void *bias, int32_t *takes)
{
    const lt_call *c = call;
    const cuda_device *d = c->queue->device;
    const float one_f32 = 1.0f, zero_f32 = 0.0f;
    const double one_f64 = 1.0, zero_f64 = 0.0;
    const int32_t is_f32 = c->plan->key[0] == ODEON_DTYPE_F32;
    ODEON_TRY(cuda_begin(c->queue));
    cublasStatus_t status =
        c->lt->set_product(c->plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    if (status == CUBLAS_STATUS_SUCCESS) {
        status = c->lt->multiply(c->lt->handle, c->plan->product,
                                 is_f32 ? (const void *)&one_f32 : &one_f64, c->g->b, c->plan->b,
                                 c->g->a, c->plan->a, is_f32 ? (const void *)&zero_f32 : &zero_f64,
                                 c->g->c, c->plan->c, c->g->c, c->plan->c, &c->plan->algorithm,
                                 c->workspace, c->bytes, c->queue->stream);
    }
    *takes = status != CUBLAS_STATUS_NOT_SUPPORTED;
    return *takes ? cuda_spoil(c->queue, check(d, status, "gemm with bias")) : ODEON_OK;
}

static int32_t may_take(const gemm_args *g)
{
    uintptr_t all = (uintptr_t)g->a | (uintptr_t)g->b | (uintptr_t)g->c;
    return g->alpha == 1.0 && g->beta == 0.0 && all % ALIGNMENT == 0 &&
           cuda_epilogue_may(g->bias, g->N, g->act);
}

odeon_status cuda_blas_lt_gemm(cuda_queue *queue, cuda_blas_lt *lt, void *workspace,
                               uint64_t workspace_bytes, const odeon_gemm *call, const gemm_args *g,
                               int32_t *done)
{
    int64_t key[sizeof lt->plans->key / sizeof *lt->plans->key];
    *done = 0;
    if (!may_take(g)) {
        return ODEON_OK;
    }
    make_key(call, g, key);
    lt_plan *plan = find_plan(lt, key);
    if (plan == NULL && queue->recording != NULL) {
        return ODEON_OK;
    }
    if (plan == NULL) {
        ODEON_TRY(add_plan(queue->device, lt, workspace_bytes, call, g, &plan));
    }
    const lt_call c = {queue, lt, plan, g, workspace, workspace_bytes};
    const cuda_epilogue e = {.run = run,
                             .call = &c,
                             .bias = g->bias,
                             .y = g->c,
                             .channels = g->N,
                             .name = "cuBLASLt",
                             .dtype = call->c->view.shape.dtype,
                             .act = g->act};
    return cuda_epilogue_run(queue, &e, &plan->state, done);
}
