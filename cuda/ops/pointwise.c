#include "ops.h"

odeon_status ops_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x, const odeon_tensor *y)
{
    ODEON_TRY(expect_true(queue, id >= 0 && id < ODEON_UNARY_COUNT,
                          "unary: the id is none of ODEON_UNARY_"));
    ODEON_TRY(expect_real(queue, "unary: x", x, 0));
    ODEON_TRY(expect_like(queue, "unary: y", y, x));
    const unary_args a = {x->data, NULL, y->data, odeon_count(x), id, 0};
    return launch(queue, kernel_of(KERNEL_unary_f32, x->dtype), &a, shape_each(a.count));
}

odeon_status ops_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                           const odeon_tensor *dy, const odeon_tensor *dx)
{
    ODEON_TRY(expect_true(queue, id >= 0 && id < ODEON_UNARY_COUNT,
                          "unary_vjp: the id is none of ODEON_UNARY_"));
    ODEON_TRY(expect_real(queue, "unary_vjp: kept", kept, 0));
    ODEON_TRY(expect_like(queue, "unary_vjp: dy", dy, kept));
    ODEON_TRY(expect_like(queue, "unary_vjp: dx", dx, kept));
    const unary_args a = {kept->data, dy->data, dx->data, odeon_count(dx), id, 0};
    return launch(queue, kernel_of(KERNEL_unary_vjp_f32, dx->dtype), &a, shape_each(a.count));
}

odeon_status ops_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                        const odeon_tensor *b, const odeon_tensor *y)
{
    ODEON_TRY(expect_true(queue, id >= 0 && id < ODEON_BINARY_COUNT,
                          "binary: the id is none of ODEON_BINARY_"));
    ODEON_TRY(expect_real(queue, "binary: a", a, 0));
    ODEON_TRY(expect_like(queue, "binary: b", b, a));
    ODEON_TRY(expect_like(queue, "binary: y", y, a));
    const binary_args arguments = {a->data, b->data, y->data, odeon_count(y), id, 0};
    return launch(queue, kernel_of(KERNEL_binary_f32, y->dtype), &arguments,
                  shape_each(arguments.count));
}

odeon_status ops_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                       const odeon_tensor *y)
{
    power_args a = {x->data, y->data, odeon_count(x), scale, exponent, 0, 0, exponent < 0.0, 0};
    ODEON_TRY(expect_real(queue, "power: x", x, 0));
    ODEON_TRY(expect_like(queue, "power: y", y, x));
    a.whole = fabs(exponent) <= ODEON_POWER_PRODUCTS && exponent == floor(exponent);
    a.products = a.whole ? (int32_t)fabs(exponent) : 0;
    return launch(queue, kernel_of(KERNEL_power_f32, x->dtype), &a, shape_each(a.count));
}
