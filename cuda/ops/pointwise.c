#include "odeon/device_pointwise.h"
#include "ops.h"

static odeon_status ops_unary(odeon_queue *queue, const odeon_unary *call)
{
    ODEON_TRY(expect_flags(queue, "unary", call->flags));
    ODEON_TRY(expect_true(queue, call->id >= 0 && call->id < ODEON_UNARY_COUNT,
                          "unary: the id is none of ODEON_UNARY_"));
    ODEON_TRY(expect_real(queue, "unary: x", &call->x->shape, 0));
    ODEON_TRY(expect_like(queue, "unary: y", &call->y->view.shape, &call->x->shape));
    const unary_args a = {.x = odeon_read(call->x),
                          .y = odeon_write(call->y),
                          .count = odeon_count(&call->x->shape),
                          .id = call->id,
                          .aligned =
                              is_aligned(odeon_read(call->x)) && is_aligned(odeon_write(call->y))};
    return launch(queue, kernel_of(KERNEL_unary_f32, call->x->shape.dtype), &a,
                  shape_vectors(&call->x->shape));
}

static odeon_status ops_unary_vjp(odeon_queue *queue, const odeon_unary_vjp *call)
{
    ODEON_TRY(expect_flags(queue, "unary_vjp", call->flags));
    ODEON_TRY(expect_true(queue, call->id >= 0 && call->id < ODEON_UNARY_COUNT,
                          "unary_vjp: the id is none of ODEON_UNARY_"));
    ODEON_TRY(expect_real(queue, "unary_vjp: kept", &call->kept->shape, 0));
    ODEON_TRY(expect_like(queue, "unary_vjp: dy", &call->dy->shape, &call->kept->shape));
    ODEON_TRY(expect_like(queue, "unary_vjp: dx", &call->dx->view.shape, &call->kept->shape));
    const unary_args a = {odeon_read(call->kept),
                          odeon_read(call->dy),
                          odeon_write(call->dx),
                          odeon_count(&call->dx->view.shape),
                          call->id,
                          is_aligned(odeon_read(call->kept)) && is_aligned(odeon_read(call->dy)) &&
                              is_aligned(odeon_write(call->dx))};
    return launch(queue, kernel_of(KERNEL_unary_vjp_f32, call->dx->view.shape.dtype), &a,
                  shape_vectors(&call->dx->view.shape));
}

static odeon_status ops_binary(odeon_queue *queue, const odeon_binary *call)
{
    ODEON_TRY(expect_flags(queue, "binary", call->flags));
    ODEON_TRY(expect_true(queue, call->id >= 0 && call->id < ODEON_BINARY_COUNT,
                          "binary: the id is none of ODEON_BINARY_"));
    ODEON_TRY(expect_real(queue, "binary: a", &call->a->shape, 0));
    ODEON_TRY(expect_like(queue, "binary: b", &call->b->shape, &call->a->shape));
    ODEON_TRY(expect_like(queue, "binary: y", &call->y->view.shape, &call->a->shape));
    const binary_args arguments = {odeon_read(call->a),
                                   odeon_read(call->b),
                                   odeon_write(call->y),
                                   odeon_count(&call->y->view.shape),
                                   call->id,
                                   is_aligned(odeon_read(call->a)) &&
                                       is_aligned(odeon_read(call->b)) &&
                                       is_aligned(odeon_write(call->y))};
    return launch(queue, kernel_of(KERNEL_binary_f32, call->y->view.shape.dtype), &arguments,
                  shape_vectors(&call->y->view.shape));
}

static odeon_status ops_power(odeon_queue *queue, const odeon_power *call)
{
    ODEON_TRY(expect_flags(queue, "power", call->flags));
    power_args a = {odeon_read(call->x),
                    odeon_write(call->y),
                    odeon_count(&call->x->shape),
                    call->scale,
                    call->exponent,
                    0,
                    0,
                    call->exponent < 0.0,
                    0};
    ODEON_TRY(expect_real(queue, "power: x", &call->x->shape, 0));
    ODEON_TRY(expect_like(queue, "power: y", &call->y->view.shape, &call->x->shape));
    a.whole =
        fabs(call->exponent) <= ODEON_POWER_PRODUCTS && call->exponent == floor(call->exponent);
    a.products = a.whole ? (int32_t)fabs(call->exponent) : 0;
    return launch(queue, kernel_of(KERNEL_power_f32, call->x->shape.dtype), &a,
                  shape_each(a.count));
}

const odeon_pointwise_family ops_pointwise = {
    .struct_size = sizeof(odeon_pointwise_family),
    .unary = ops_unary,
    .unary_vjp = ops_unary_vjp,
    .binary = ops_binary,
    .power = ops_power,
};
