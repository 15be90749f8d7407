#include "ops.h"

odeon_status expect_true(odeon_queue *queue, int32_t holds, const char *text)
{
    return holds ? ODEON_OK : device_fail(queue, ODEON_ERR_INTERNAL, "%s", text);
}

odeon_status expect_flags(odeon_queue *queue, const char *name, uint32_t flags)
{
    return flags == 0 ? ODEON_OK
                      : device_fail(queue, ODEON_ERR_UNSUPPORTED, "%s: unknown flags %#x", name,
                                    (unsigned)flags);
}

odeon_status expect_real(odeon_queue *queue, const char *what, const odeon_shape *x, int32_t ndim)
{
    if (x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "%s has dtype %#x; only float32 and float64 compute", what,
                           (unsigned)x->dtype);
    }
    if (ndim != 0 && x->ndim != ndim) {
        return device_fail(queue, ODEON_ERR_INTERNAL, "%s has %d dimensions, expected %d", what,
                           (int)x->ndim, (int)ndim);
    }
    return ODEON_OK;
}

odeon_status expect_shape(odeon_queue *queue, const char *what, const odeon_shape *x,
                          uint32_t dtype, int32_t ndim, const int64_t *dim)
{
    if (x->dtype != dtype || x->ndim != ndim) {
        return device_fail(queue, ODEON_ERR_INTERNAL,
                           "%s has dtype %#x and %d dimensions, expected %#x and %d", what,
                           (unsigned)x->dtype, (int)x->ndim, (unsigned)dtype, (int)ndim);
    }
    for (int32_t i = 0; i < ndim; i++) {
        if (x->dim[i] != dim[i]) {
            return device_fail(queue, ODEON_ERR_INTERNAL, "%s: dimension %d is %lld, expected %lld",
                               what, (int)i, (long long)x->dim[i], (long long)dim[i]);
        }
    }
    return ODEON_OK;
}

odeon_status expect_like(odeon_queue *queue, const char *what, const odeon_shape *x,
                         const odeon_shape *model)
{
    if (x->dtype != model->dtype || odeon_count(x) != odeon_count(model)) {
        return device_fail(queue, ODEON_ERR_INTERNAL,
                           "%s has %lld numbers of dtype %#x, expected %lld of %#x", what,
                           (long long)odeon_count(x), (unsigned)x->dtype,
                           (long long)odeon_count(model), (unsigned)model->dtype);
    }
    return ODEON_OK;
}

odeon_status expect_optional(odeon_queue *queue, const char *what, const odeon_view *x,
                             const odeon_shape *model)
{
    return x == NULL ? ODEON_OK : expect_like(queue, what, &x->shape, model);
}

enum { MOST_BLOCKS = 4096, LEAST_THREADS = 32 };

kernel_shape shape_each(int64_t count)
{
    int64_t blocks = (count + KERNEL_THREADS - 1) / KERNEL_THREADS;
    kernel_shape shape = {blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS, KERNEL_THREADS, 0};
    return shape;
}

kernel_shape shape_vectors(const odeon_shape *x)
{
    enum { SMALL_THREADS = 64, SMALL = 1 << 16 };
    int64_t vectors = (odeon_bytes(x) + VECTOR_BYTES - 1) / VECTOR_BYTES;
    kernel_shape shape = shape_each(vectors);
    if (vectors <= SMALL) {
        shape.threads = SMALL_THREADS;
        shape.blocks = (vectors + SMALL_THREADS - 1) / SMALL_THREADS;
    }
    return shape;
}

kernel_shape shape_sums(int64_t blocks, int64_t elements)
{
    int32_t threads = LEAST_THREADS;
    while (threads < KERNEL_THREADS && threads < elements) {
        threads *= 2;
    }
    kernel_shape shape = {blocks, threads, threads * (int32_t)sizeof(double)};
    return shape;
}
