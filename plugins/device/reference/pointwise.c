#include "odeon/device_pointwise.h"
#include "reference.h"

#include <math.h>

/* In all comparisons here NaN takes the branch that passes it on: x <= 0 is false for NaN. */

double reference_function(int32_t id, double x)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        return x <= 0.0 ? 0.0 : x;
    case ODEON_UNARY_TANH:
        return tanh(x);
    case ODEON_UNARY_SOFTPLUS:
        return x > 20.0 ? x : log1p(exp(x));
    case ODEON_UNARY_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case ODEON_UNARY_EXP:
        return exp(x);
    case ODEON_UNARY_SQRT:
        return sqrt(x);
    case ODEON_UNARY_RECIPROCAL:
        return 1.0 / x;
    case ODEON_UNARY_LOG:
        return log(x);
    case ODEON_UNARY_SQUARE:
        return x * x;
    case ODEON_UNARY_SIN:
        return sin(x);
    case ODEON_UNARY_COS:
        return cos(x);
    case ODEON_UNARY_ABS:
        return fabs(x);
    case ODEON_UNARY_ERF:
        return erf(x);
    default:
        return x;
    }
}

/* The derivative from kept, which is y = f(x) or x as device_pointwise.h lists: y where that
 * suffices, since then x need not be stored. */
static double derivative(int32_t id, double kept)
{
    double x = kept, y = kept;
    switch (id) {
    case ODEON_UNARY_RELU:
        return y <= 0.0 ? 0.0 : 1.0;
    case ODEON_UNARY_TANH:
        return 1.0 - y * y;
    case ODEON_UNARY_SOFTPLUS: /* sigmoid(x) = 1 - exp(-y); y above f(20) means x above 20 */
        return y > log1p(exp(20.0)) ? 1.0 : -expm1(-y);
    case ODEON_UNARY_SIGMOID:
        return y * (1.0 - y);
    case ODEON_UNARY_EXP:
        return y;
    case ODEON_UNARY_SQRT:
        return 0.5 / y;
    case ODEON_UNARY_RECIPROCAL:
        return -y * y;
    case ODEON_UNARY_LOG:
        return 1.0 / x;
    case ODEON_UNARY_SQUARE:
        return 2.0 * x;
    case ODEON_UNARY_SIN:
        return cos(x);
    case ODEON_UNARY_COS:
        return -sin(x);
    case ODEON_UNARY_ABS:
        return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; /* 0 at 0, NaN for NaN */
    case ODEON_UNARY_ERF:
        return 1.1283791670955126 * exp(-x * x); /* 2 / sqrt(pi) */
    default:
        return 1.0;
    }
}

static odeon_status reference_unary(odeon_queue *queue, const odeon_unary *call)
{
    ODEON_TRY(reference_begin(queue, "unary", call->flags));
    ODEON_TRY(reference_expect_true(queue, call->id >= 0 && call->id < ODEON_UNARY_COUNT,
                                    "unary: the id is none of ODEON_UNARY_"));
    ODEON_TRY(reference_expect_real(queue, "unary: x", &call->x->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "unary: y", &call->y->view.shape, &call->x->shape));
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        store(call->y, i, reference_function(call->id, load(call->x, i)));
    }
    return ODEON_OK;
}

static odeon_status reference_unary_vjp(odeon_queue *queue, const odeon_unary_vjp *call)
{
    ODEON_TRY(reference_begin(queue, "unary_vjp", call->flags));
    ODEON_TRY(reference_expect_true(queue, call->id >= 0 && call->id < ODEON_UNARY_COUNT,
                                    "unary_vjp: the id is none of ODEON_UNARY_"));
    ODEON_TRY(reference_expect_real(queue, "unary_vjp: kept", &call->kept->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "unary_vjp: dy", &call->dy->shape, &call->kept->shape));
    ODEON_TRY(
        reference_expect_like(queue, "unary_vjp: dx", &call->dx->view.shape, &call->kept->shape));
    for (int64_t i = 0; i < odeon_count(&call->dx->view.shape); i++) {
        store(call->dx, i, load(call->dy, i) * derivative(call->id, load(call->kept, i)));
    }
    return ODEON_OK;
}

static double binary_value(int32_t id, double a, double b)
{
    switch (id) {
    case ODEON_BINARY_ADD:
        return a + b;
    case ODEON_BINARY_SUB:
        return a - b;
    case ODEON_BINARY_MUL:
        return a * b;
    default:
        return a / b;
    }
}

static odeon_status reference_binary(odeon_queue *queue, const odeon_binary *call)
{
    ODEON_TRY(reference_begin(queue, "binary", call->flags));
    ODEON_TRY(reference_expect_true(queue, call->id >= 0 && call->id < ODEON_BINARY_COUNT,
                                    "binary: the id is none of ODEON_BINARY_"));
    ODEON_TRY(reference_expect_real(queue, "binary: a", &call->a->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "binary: b", &call->b->shape, &call->a->shape));
    ODEON_TRY(reference_expect_like(queue, "binary: y", &call->y->view.shape, &call->a->shape));
    for (int64_t i = 0; i < odeon_count(&call->y->view.shape); i++) {
        store(call->y, i, binary_value(call->id, load(call->a, i), load(call->b, i)));
    }
    return ODEON_OK;
}

/* x^n for n >= 0 by repeated squaring. */
static double whole_power(double x, int32_t n)
{
    double y = 1.0;
    for (; n > 0; n /= 2, x *= x) {
        y = n % 2 == 1 ? y * x : y;
    }
    return y;
}

/* x, y: any shape. Small whole exponents are products, which also work for negative x and are exact
 * where pow need not be. */
static odeon_status reference_power(odeon_queue *queue, const odeon_power *call)
{
    ODEON_TRY(reference_begin(queue, "power", call->flags));
    ODEON_TRY(reference_expect_real(queue, "power: x", &call->x->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "power: y", &call->y->view.shape, &call->x->shape));
    int32_t whole =
        fabs(call->exponent) <= ODEON_POWER_PRODUCTS && call->exponent == floor(call->exponent);
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        double value = load(call->x, i);
        if (!whole) {
            value = pow(value, call->exponent);
        } else {
            value = whole_power(value, (int32_t)fabs(call->exponent));
            value = call->exponent < 0.0 ? 1.0 / value : value;
        }
        store(call->y, i, call->scale * value);
    }
    return ODEON_OK;
}

const odeon_pointwise_family reference_pointwise = {
    .struct_size = sizeof(odeon_pointwise_family),
    .unary = reference_unary,
    .unary_vjp = reference_unary_vjp,
    .binary = reference_binary,
    .power = reference_power,
};
