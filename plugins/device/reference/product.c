#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "reference.h"

/* bias [n] of the product's dtype; the function must be one that keeps its derivative a function of
 * its result. */
odeon_status reference_expect_finish(odeon_queue *queue, const odeon_view *bias, int32_t act,
                                     uint32_t dtype, int64_t n)
{
    ODEON_TRY(reference_expect_true(queue,
                                    act >= ODEON_UNARY_IDENTITY && act <= ODEON_UNARY_LAST_EPILOGUE,
                                    "epilogue: this id cannot be one"));
    return bias == NULL ? ODEON_OK
                        : reference_expect(queue, "epilogue: bias", &bias->shape, dtype, 1, &n);
}

double reference_finish(const odeon_view *bias, int32_t act, int64_t n, double value)
{
    return reference_function(act, bias == NULL ? value : value + load(bias, n));
}

/* a [M,K] or with trans_a [K,M], b [K,N] or with trans_b [N,K] -> c [M,N]. */
static odeon_status reference_gemm(odeon_queue *queue, const odeon_gemm *call)
{
    ODEON_TRY(reference_begin(queue, "gemm", call->flags));
    ODEON_TRY(reference_expect_real(queue, "gemm: c", &call->c->view.shape, 2));
    ODEON_TRY(reference_expect_real(queue, "gemm: a", &call->a->shape, 2));
    int64_t M = call->c->view.shape.dim[0], N = call->c->view.shape.dim[1],
            K = call->trans_a ? call->a->shape.dim[0] : call->a->shape.dim[1];
    ODEON_TRY(reference_expect(queue, "gemm: a", &call->a->shape, call->c->view.shape.dtype, 2,
                               call->trans_a ? (int64_t[]){K, M} : (int64_t[]){M, K}));
    ODEON_TRY(reference_expect(queue, "gemm: b", &call->b->shape, call->c->view.shape.dtype, 2,
                               call->trans_b ? (int64_t[]){N, K} : (int64_t[]){K, N}));
    ODEON_TRY(reference_expect_finish(queue, call->bias, call->act, call->c->view.shape.dtype, N));

    for (int64_t m = 0; m < M; m++) {
        for (int64_t n = 0; n < N; n++) {
            double sum = 0.0;
            for (int64_t k = 0; k < K; k++) {
                sum += load(call->a, call->trans_a ? k * M + m : m * K + k) *
                       load(call->b, call->trans_b ? n * K + k : k * N + n);
            }
            double value = call->alpha * sum;
            if (call->beta !=
                0.0) { /* with beta 0 c may be uninitialized, and 0 * NaN would be NaN */
                value += call->beta * load(&call->c->view, m * N + n);
            }
            store(call->c, m * N + n, reference_finish(call->bias, call->act, n, value));
        }
    }
    return ODEON_OK;
}

/* a [n,M,K] or with trans_a [n,K,M], b [n,K,N] or with trans_b [n,N,K] -> c [n,M,N]. */
static odeon_status reference_gemm_batch(odeon_queue *queue, const odeon_gemm_batch *call)
{
    const odeon_shape *a = &call->a->shape, *c = &call->c->view.shape;
    ODEON_TRY(reference_begin(queue, "gemm_batch", call->flags));
    ODEON_TRY(reference_expect_real(queue, "gemm_batch: c", c, 3));
    ODEON_TRY(reference_expect_real(queue, "gemm_batch: a", a, 3));
    int64_t n = c->dim[0], M = c->dim[1], N = c->dim[2], K = a->dim[call->trans_a ? 1 : 2];
    ODEON_TRY(reference_expect(queue, "gemm_batch: a", a, c->dtype, 3,
                               call->trans_a ? (int64_t[]){n, K, M} : (int64_t[]){n, M, K}));
    ODEON_TRY(reference_expect(queue, "gemm_batch: b", &call->b->shape, c->dtype, 3,
                               call->trans_b ? (int64_t[]){n, N, K} : (int64_t[]){n, K, N}));
    for (int64_t i = 0; i < n * M * N; i++) {
        int64_t at_a = i / (M * N) * M * K, at_b = i / (M * N) * K * N;
        int64_t row = i / N % M, col = i % N;
        double sum = 0.0;
        for (int64_t k = 0; k < K; k++) {
            sum += load(call->a, at_a + (call->trans_a ? k * M + row : row * K + k)) *
                   load(call->b, at_b + (call->trans_b ? col * K + k : k * N + col));
        }
        double before = call->beta != 0.0 ? call->beta * load(&call->c->view, i) : 0.0;
        store(call->c, i, call->alpha * sum + before);
    }
    return ODEON_OK;
}

/* x [B,C,S]; adds to bias [C]. */
static odeon_status reference_channel_sum(odeon_queue *queue, const odeon_channel_sum *call)
{
    ODEON_TRY(reference_begin(queue, "channel_sum", call->flags));
    ODEON_TRY(reference_expect_real(queue, "channel_sum: x", &call->x->shape, 3));
    int64_t B = call->x->shape.dim[0], C = call->x->shape.dim[1], S = call->x->shape.dim[2];
    ODEON_TRY(reference_expect(queue, "channel_sum: bias", &call->bias->view.shape,
                               call->x->shape.dtype, 1, &C));
    for (int64_t c = 0; c < C; c++) {
        double sum = 0.0;
        for (int64_t b = 0; b < B; b++) {
            for (int64_t s = 0; s < S; s++) {
                sum += load(call->x, at3(call->x, b, c, s));
            }
        }
        store(call->bias, c, load(&call->bias->view, c) + sum);
    }
    return ODEON_OK;
}

const odeon_product_family reference_product = {
    .struct_size = sizeof(odeon_product_family),
    .gemm = reference_gemm,
    .channel_sum = reference_channel_sum,
    .gemm_batch = reference_gemm_batch,
};
