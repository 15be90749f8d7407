#include "cpu.h"
#include "odeon/device_pointwise.h"

/* x, y: any shapes of one dtype and count; so are all tensors below. */
static odeon_status cpu_unary(odeon_queue *queue, const odeon_unary *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_UNARY_COUNT &&
                              cpu_alike(&call->x->shape, &call->y->view.shape),
                          "unary", "x, y of one dtype and count with a known function"));
    k->unary(call->id, odeon_count(&call->x->shape), odeon_read(call->x), odeon_write(call->y));
    return ODEON_OK;
}

static odeon_status cpu_unary_vjp(odeon_queue *queue, const odeon_unary_vjp *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary_vjp", call->flags, call->dy->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_UNARY_COUNT &&
                              cpu_alike(&call->kept->shape, &call->dy->shape) &&
                              cpu_alike(&call->dy->shape, &call->dx->view.shape),
                          "unary_vjp",
                          "kept, dy, dx of one dtype and count with a known function"));
    k->unary_vjp(call->id, odeon_count(&call->dy->shape), odeon_read(call->kept),
                 odeon_read(call->dy), odeon_write(call->dx));
    return ODEON_OK;
}

static odeon_status cpu_binary(odeon_queue *queue, const odeon_binary *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "binary", call->flags, call->y->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_BINARY_COUNT &&
                              cpu_alike(&call->a->shape, &call->y->view.shape) &&
                              cpu_alike(&call->b->shape, &call->y->view.shape),
                          "binary", "a, b, y of one dtype and count with a known function"));
    k->binary(call->id, odeon_count(&call->y->view.shape), odeon_read(call->a), odeon_read(call->b),
              odeon_write(call->y));
    return ODEON_OK;
}

static odeon_status cpu_power(odeon_queue *queue, const odeon_power *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "power", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(&call->x->shape, &call->y->view.shape), "power",
                          "x, y of one dtype and count"));
    k->power(odeon_count(&call->x->shape), call->scale, call->exponent, odeon_read(call->x),
             odeon_write(call->y));
    return ODEON_OK;
}

const odeon_pointwise_family cpu_pointwise = {
    .struct_size = sizeof(odeon_pointwise_family),
    .unary = cpu_unary,
    .unary_vjp = cpu_unary_vjp,
    .binary = cpu_binary,
    .power = cpu_power,
};
