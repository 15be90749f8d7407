#include "reference.h"

/* bias [n] of the product's dtype; the function must be one that keeps its derivative a function of
 * its result. */
odeon_status reference_expect_epilogue(odeon_queue *queue, const odeon_epilogue *epilogue,
                                       int32_t dtype, int64_t n)
{
    if (epilogue == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(reference_expect_true(
        queue, epilogue->act >= ODEON_UNARY_IDENTITY && epilogue->act <= ODEON_UNARY_LAST_EPILOGUE,
        "epilogue: this id cannot be one"));
    if (epilogue->bias == NULL) {
        return ODEON_OK;
    }
    return reference_expect(queue, "epilogue: bias", epilogue->bias, dtype, 1, &n);
}

double reference_finish(const odeon_epilogue *epilogue, int64_t n, double value)
{
    if (epilogue == NULL) {
        return value;
    }
    if (epilogue->bias != NULL) {
        value += load(epilogue->bias, n);
    }
    return reference_function(epilogue->act, value);
}

/* a [M,K] or with trans_a [K,M], b [K,N] or with trans_b [N,K] -> c [M,N]. */
odeon_status reference_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                            const odeon_tensor *a, const odeon_tensor *b, double beta,
                            const odeon_tensor *c, const odeon_epilogue *epilogue)
{
    ODEON_TRY(reference_expect_real(queue, "gemm: c", c, 2));
    ODEON_TRY(reference_expect_real(queue, "gemm: a", a, 2));
    int64_t M = c->dim[0], N = c->dim[1], K = trans_a ? a->dim[0] : a->dim[1];
    ODEON_TRY(reference_expect(queue, "gemm: a", a, c->dtype, 2,
                               trans_a ? (int64_t[]){K, M} : (int64_t[]){M, K}));
    ODEON_TRY(reference_expect(queue, "gemm: b", b, c->dtype, 2,
                               trans_b ? (int64_t[]){N, K} : (int64_t[]){K, N}));
    ODEON_TRY(reference_expect_epilogue(queue, epilogue, c->dtype, N));

    for (int64_t m = 0; m < M; m++) {
        for (int64_t n = 0; n < N; n++) {
            double sum = 0.0;
            for (int64_t k = 0; k < K; k++) {
                sum += load(a, trans_a ? k * M + m : m * K + k) *
                       load(b, trans_b ? n * K + k : k * N + n);
            }
            double value = alpha * sum;
            if (beta != 0.0) { /* with beta 0 c may be uninitialized, and 0 * NaN would be NaN */
                value += beta * load(c, m * N + n);
            }
            store(c, m * N + n, reference_finish(epilogue, n, value));
        }
    }
    return ODEON_OK;
}

/* x [B,C,S]; adds to bias [C]. */
odeon_status reference_channel_sum(odeon_queue *queue, const odeon_tensor *x,
                                   const odeon_tensor *bias)
{
    ODEON_TRY(reference_expect_real(queue, "channel_sum: x", x, 3));
    int64_t B = x->dim[0], C = x->dim[1], S = x->dim[2];
    ODEON_TRY(reference_expect(queue, "channel_sum: bias", bias, x->dtype, 1, &C));
    for (int64_t c = 0; c < C; c++) {
        double sum = 0.0;
        for (int64_t b = 0; b < B; b++) {
            for (int64_t s = 0; s < S; s++) {
                sum += load(x, at3(x, b, c, s));
            }
        }
        store(bias, c, load(bias, c) + sum);
    }
    return ODEON_OK;
}
