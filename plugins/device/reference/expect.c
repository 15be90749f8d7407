#include "reference.h"

odeon_status reference_expect_true(odeon_queue *queue, int32_t holds, const char *text)
{
    if (!holds) {
        return odeon_fail(queue->host, ODEON_ERR_INTERNAL, "device reference: %s", text);
    }
    return ODEON_OK;
}

odeon_status reference_expect(odeon_queue *queue, const char *what, const odeon_tensor *x,
                              int32_t dtype, int32_t ndim, const int64_t *dim)
{
    if (x->dtype != dtype) {
        return odeon_fail(queue->host, ODEON_ERR_INTERNAL,
                          "device reference: %s has dtype %d, expected %d", what, (int)x->dtype,
                          (int)dtype);
    }
    if (x->ndim != ndim) {
        return odeon_fail(queue->host, ODEON_ERR_INTERNAL,
                          "device reference: %s has %d dimensions, expected %d", what, (int)x->ndim,
                          (int)ndim);
    }
    for (int32_t i = 0; i < ndim; i++) {
        if (x->dim[i] != dim[i]) {
            return odeon_fail(queue->host, ODEON_ERR_INTERNAL,
                              "device reference: %s: dimension %d is %lld, expected %lld", what,
                              (int)i, (long long)x->dim[i], (long long)dim[i]);
        }
    }
    return ODEON_OK;
}

odeon_status reference_expect_real(odeon_queue *queue, const char *what, const odeon_tensor *x,
                                   int32_t ndim)
{
    if (x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return odeon_fail(queue->host, ODEON_ERR_UNSUPPORTED,
                          "device reference: %s has dtype %d; only float32 and float64 compute",
                          what, (int)x->dtype);
    }
    if (ndim != 0 && x->ndim != ndim) {
        return odeon_fail(queue->host, ODEON_ERR_INTERNAL,
                          "device reference: %s has %d dimensions, expected %d", what, (int)x->ndim,
                          (int)ndim);
    }
    return ODEON_OK;
}

odeon_status reference_expect_like(odeon_queue *queue, const char *what, const odeon_tensor *x,
                                   const odeon_tensor *model)
{
    if (x->dtype != model->dtype || odeon_count(x) != odeon_count(model)) {
        return odeon_fail(queue->host, ODEON_ERR_INTERNAL,
                          "device reference: %s has %lld numbers of dtype %d, expected %lld of %d",
                          what, (long long)odeon_count(x), (int)x->dtype,
                          (long long)odeon_count(model), (int)model->dtype);
    }
    return ODEON_OK;
}
