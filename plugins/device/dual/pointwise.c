/* The vjp of a pointwise function is its jvp, since its Jacobian is diagonal. */
#include "dual.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

/* unary_vjp is given y = f(x) up to here, x behind. */
static int32_t keeps_x(int32_t id)
{
    return id >= ODEON_UNARY_LOG;
}

/* y' = f' x'. Where x is kept, tangents come first, since y may be x. */
static odeon_status unary(odeon_queue *queue, const odeon_unary *call)
{
    RULE(queue, unary, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    if (keeps_x(call->id)) {
        ODEON_TRY(ON(q, pointwise, unary_vjp, .id = call->id, .kept = call->x, .dy = &x, .dx = &y));
        return VALUE(q, pointwise, unary, call);
    }
    ODEON_TRY(VALUE(q, pointwise, unary, call));
    return ON(q, pointwise, unary_vjp, .id = call->id, .kept = &call->y->view, .dy = &x, .dx = &y);
}

/* 1 - g, the slope of softplus' g = 1 - exp(-y), 0 above 20. */
static odeon_status softplus_bend(dual_queue *q, const odeon_view *kept, const odeon_tensor *out)
{
    odeon_tensor one;
    odeon_scalar minus = odeon_imm(-1.0);
    const odeon_view *slope = &out->view;
    ODEON_TRY(dual_temp(q, &kept->shape, &one));
    ODEON_TRY(ON(q, move, fill, .y = &one, .value = odeon_imm(1.0)));
    ODEON_TRY(ON(q, pointwise, unary_vjp, .id = ODEON_UNARY_SOFTPLUS, .kept = kept, .dy = &one.view,
                 .dx = out));
    return ON(q, solver, lincomb, .y = out, .base = &one.view, .n = 1, .x = &slope,
              .coefficient = &minus);
}

/* With f' = g(kept): factor * out = g'(kept). Factor 0: out is not written. */
static odeon_status bend(dual_queue *q, int32_t id, const odeon_view *kept, const odeon_tensor *out,
                         double *factor)
{
    *factor = 1.0;
    switch (id) {
    case ODEON_UNARY_TANH:       /* g = 1 - y^2 */
    case ODEON_UNARY_RECIPROCAL: /* -y^2 */
        return ON(q, move, cast, .x = kept, .y = out, .scale = -2.0);
    case ODEON_UNARY_SOFTPLUS:
        return softplus_bend(q, kept, out);
    case ODEON_UNARY_SIGMOID: /* y - y^2 */
        return ON(q, move, cast, .x = kept, .y = out, .scale = -2.0, .shift = 1.0);
    case ODEON_UNARY_EXP: /* y */
        return ON(q, move, fill, .y = out, .value = odeon_imm(1.0));
    case ODEON_UNARY_SQRT: /* 1 / (2 y) */
        return ON(q, pointwise, power, .x = kept, .y = out, .scale = -0.5, .exponent = -2.0);
    case ODEON_UNARY_LOG: /* 1 / x */
        return ON(q, pointwise, power, .x = kept, .y = out, .scale = -1.0, .exponent = -2.0);
    case ODEON_UNARY_SQUARE: /* 2 x */
        return ON(q, move, fill, .y = out, .value = odeon_imm(2.0));
    case ODEON_UNARY_SIN: /* cos x */
    case ODEON_UNARY_COS: /* -sin x */
        *factor = -1.0;
        return ON(q, pointwise, unary, .id = id, .x = kept, .y = out);
    case ODEON_UNARY_ERF: /* g = 2 / sqrt(pi) exp(-x^2), g' = -2 x g */
        *factor = -2.0;
        return ON(q, pointwise, unary_vjp, .id = id, .kept = kept, .dy = kept, .dx = out);
    case ODEON_UNARY_IDENTITY:
    case ODEON_UNARY_RELU:
    case ODEON_UNARY_ABS: /* constant but for a kink */
        *factor = 0.0;
        return ODEON_OK;
    default:
        return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                          "dual: unary_vjp: there is no rule of derivatives for function %d",
                          (int)id);
    }
}

/* dx = dy g(kept): dx' = dy' g + dy g' kept', before dx, which may be dy or kept, is written. */
static odeon_status unary_vjp(odeon_queue *queue, const odeon_unary_vjp *call)
{
    RULE(queue, unary_vjp, call);
    odeon_view kept = twin(q, call->kept), dy = twin(q, call->dy);
    odeon_tensor dx = twin_of(q, call->dx), more;
    double factor;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &call->kept->shape, &more));
    ODEON_TRY(bend(q, call->id, call->kept, &more, &factor));
    if (factor != 0.0) {
        ODEON_TRY(dual_multiply(q, &more.view, call->dy, &more));
        ODEON_TRY(dual_multiply(q, &more.view, &kept, &more));
    }
    ODEON_TRY(
        ON(q, pointwise, unary_vjp, .id = call->id, .kept = call->kept, .dy = &dy, .dx = &dx));
    if (factor != 0.0) {
        ODEON_TRY(dual_add(q, factor, &more.view, &dx));
    }
    return VALUE(q, pointwise, unary_vjp, call);
}

/* y' = a' b + a b'; through temporaries, since y may be a or b. */
static odeon_status product_tangent(dual_queue *q, const odeon_binary *call)
{
    odeon_view a = twin(q, call->a), b = twin(q, call->b);
    odeon_tensor y = twin_of(q, call->y), left, right;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &a.shape, &left));
    ODEON_TRY(dual_temp(q, &a.shape, &right));
    ODEON_TRY(dual_multiply(q, &a, call->b, &left));
    ODEON_TRY(dual_multiply(q, call->a, &b, &right));
    return ON(q, pointwise, binary, .id = ODEON_BINARY_ADD, .a = &left.view, .b = &right.view,
              .y = &y);
}

/* y' = (a' - (a / b) b') / b */
static odeon_status quotient_tangent(dual_queue *q, const odeon_binary *call)
{
    odeon_view a = twin(q, call->a), b = twin(q, call->b);
    odeon_tensor y = twin_of(q, call->y), t;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &a.shape, &t));
    ODEON_TRY(
        ON(q, pointwise, binary, .id = ODEON_BINARY_DIV, .a = call->a, .b = call->b, .y = &t));
    ODEON_TRY(dual_multiply(q, &t.view, &b, &t));
    ODEON_TRY(ON(q, pointwise, binary, .id = ODEON_BINARY_SUB, .a = &a, .b = &t.view, .y = &t));
    return ON(q, pointwise, binary, .id = ODEON_BINARY_DIV, .a = &t.view, .b = call->b, .y = &y);
}

static odeon_status binary(odeon_queue *queue, const odeon_binary *call)
{
    RULE(queue, binary, call);
    odeon_view a = twin(q, call->a), b = twin(q, call->b);
    odeon_tensor y = twin_of(q, call->y);
    switch (call->id) {
    case ODEON_BINARY_ADD:
    case ODEON_BINARY_SUB:
        ODEON_TRY(ON(q, pointwise, binary, .id = call->id, .a = &a, .b = &b, .y = &y));
        break;
    case ODEON_BINARY_MUL:
        ODEON_TRY(product_tangent(q, call));
        break;
    case ODEON_BINARY_DIV:
        ODEON_TRY(quotient_tangent(q, call));
        break;
    default:
        return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                          "dual: binary: there is no rule of derivatives for operation %d",
                          (int)call->id);
    }
    return VALUE(q, pointwise, binary, call);
}

/* y' = scale exponent x^(exponent - 1) x'; x^0 is constant at 0, too. */
static odeon_status power(odeon_queue *queue, const odeon_power *call)
{
    RULE(queue, power, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y), slope;
    if (call->exponent == 0.0) {
        ODEON_TRY(dual_zero(q, &y));
        return VALUE(q, pointwise, power, call);
    }
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &x.shape, &slope));
    ODEON_TRY(ON(q, pointwise, power, .x = call->x, .y = &slope,
                 .scale = call->scale * call->exponent, .exponent = call->exponent - 1.0));
    ODEON_TRY(dual_multiply(q, &slope.view, &x, &y));
    return VALUE(q, pointwise, power, call);
}

const odeon_pointwise_family dual_pointwise = {
    .struct_size = sizeof(odeon_pointwise_family),
    .unary = unary,
    .unary_vjp = unary_vjp,
    .binary = binary,
    .power = power,
};
