#include "reference.h"

static const odeon_host *host_of(const odeon_queue *queue)
{
    return ((const reference_queue *)queue->handle)->host;
}

odeon_status reference_begin(odeon_queue *queue, const char *name, uint32_t flags)
{
    if (flags != 0) {
        return odeon_fail(host_of(queue), ODEON_ERR_UNSUPPORTED, "%s: unknown flags %#x", name,
                          (unsigned)flags);
    }
    return ODEON_OK;
}

odeon_status reference_expect_true(odeon_queue *queue, int32_t holds, const char *text)
{
    if (!holds) {
        return odeon_fail(host_of(queue), ODEON_ERR_INTERNAL, "device reference: %s", text);
    }
    return ODEON_OK;
}

odeon_status reference_expect(odeon_queue *queue, const char *what, const odeon_shape *x,
                              uint32_t dtype, int32_t ndim, const int64_t *dim)
{
    if (x->dtype != dtype) {
        return odeon_fail(host_of(queue), ODEON_ERR_INTERNAL,
                          "device reference: %s has dtype %#x, expected %#x", what,
                          (unsigned)x->dtype, (unsigned)dtype);
    }
    if (x->ndim != ndim) {
        return odeon_fail(host_of(queue), ODEON_ERR_INTERNAL,
                          "device reference: %s has %d dimensions, expected %d", what, (int)x->ndim,
                          (int)ndim);
    }
    for (int32_t i = 0; i < ndim; i++) {
        if (x->dim[i] != dim[i]) {
            return odeon_fail(host_of(queue), ODEON_ERR_INTERNAL,
                              "device reference: %s: dimension %d is %lld, expected %lld", what,
                              (int)i, (long long)x->dim[i], (long long)dim[i]);
        }
    }
    return ODEON_OK;
}

odeon_status reference_expect_real(odeon_queue *queue, const char *what, const odeon_shape *x,
                                   int32_t ndim)
{
    if (x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return odeon_fail(host_of(queue), ODEON_ERR_UNSUPPORTED,
                          "device reference: %s has dtype %#x; only float32 and float64 compute",
                          what, (unsigned)x->dtype);
    }
    if (ndim != 0 && x->ndim != ndim) {
        return odeon_fail(host_of(queue), ODEON_ERR_INTERNAL,
                          "device reference: %s has %d dimensions, expected %d", what, (int)x->ndim,
                          (int)ndim);
    }
    return ODEON_OK;
}

odeon_status reference_expect_like(odeon_queue *queue, const char *what, const odeon_shape *x,
                                   const odeon_shape *model)
{
    if (x->dtype != model->dtype || odeon_count(x) != odeon_count(model)) {
        return odeon_fail(
            host_of(queue), ODEON_ERR_INTERNAL,
            "device reference: %s has %lld numbers of dtype %#x, expected %lld of %#x", what,
            (long long)odeon_count(x), (unsigned)x->dtype, (long long)odeon_count(model),
            (unsigned)model->dtype);
    }
    return ODEON_OK;
}

odeon_status reference_expect_optional(odeon_queue *queue, const char *what, const odeon_view *x,
                                       const odeon_shape *model)
{
    return x == NULL ? ODEON_OK : reference_expect_like(queue, what, &x->shape, model);
}
