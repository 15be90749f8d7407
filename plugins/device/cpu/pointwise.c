#include "cpu.h"

/* x, y: any shapes of one dtype and count; so are all tensors below. */
odeon_status cpu_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x, const odeon_tensor *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, id >= 0 && id < ODEON_UNARY_COUNT && cpu_alike(x, y), "unary",
                          "x, y of one dtype and count with a known function"));
    k->unary(id, odeon_count(x), x->data, y->data);
    return ODEON_OK;
}

odeon_status cpu_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                           const odeon_tensor *dy, const odeon_tensor *dx)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary_vjp", dy->dtype, &k));
    ODEON_TRY(cpu_require(
        queue, id >= 0 && id < ODEON_UNARY_COUNT && cpu_alike(kept, dy) && cpu_alike(dy, dx),
        "unary_vjp", "kept, dy, dx of one dtype and count with a known function"));
    k->unary_vjp(id, odeon_count(dy), kept->data, dy->data, dx->data);
    return ODEON_OK;
}

odeon_status cpu_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                        const odeon_tensor *b, const odeon_tensor *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "binary", y->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          id >= 0 && id < ODEON_BINARY_COUNT && cpu_alike(a, y) && cpu_alike(b, y),
                          "binary", "a, b, y of one dtype and count with a known function"));
    k->binary(id, odeon_count(y), a->data, b->data, y->data);
    return ODEON_OK;
}

odeon_status cpu_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                       const odeon_tensor *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "power", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(x, y), "power", "x, y of one dtype and count"));
    k->power(odeon_count(x), scale, exponent, x->data, y->data);
    return ODEON_OK;
}
