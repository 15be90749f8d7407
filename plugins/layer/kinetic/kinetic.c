/* kinetic: y = x, for the end of an ODE block's body, where x is f: declares the integral of
 * |f|^2, the sum of squares over a sample's elements, along the path. Small where paths are
 * straight and short. The loss `penalty` adds it. Source: Finlay, Jacobsen, Nurbekyan, Oberman,
 * How to train your neural ODE, 2020, section 4. */
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct kinetic {
    ODEON_INSTANCE;
} kinetic;

static const char *const names[] = {"kinetic"};

/* Scratch: [B,...] in x's dtype. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->scratch_bytes = (uint64_t)odeon_bytes(&plan->in);
    plan->integral_names = names;
    plan->n_integrals = 1;
    return ODEON_OK;
}

/* Elements of a sample. */
static int64_t features(const odeon_shape *x)
{
    return x->dim[0] > 0 ? odeon_count(x) / x->dim[0] : 0;
}

/* in [B,...] -> out, integrand [B]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    const odeon_shape *shape = &call->in->shape;
    const odeon_tensor squares = odeon_tensor_at(call->scratch, *shape);
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out));
    if (call->integrand == NULL || odeon_count(shape) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_SQUARE,
                       .x = call->in, .y = &squares));
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &squares.view,
                    .rows = shape->dim[0], .cols = features(shape), .pitch = features(shape),
                    .v = &call->integrand[0]);
}

/* d_in = d_out + 2 d_integrand in. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    const odeon_shape *shape = &call->d_out->shape;
    const odeon_tensor twice = odeon_tensor_at(call->scratch, *shape);
    const odeon_view *x[1] = {&twice.view};
    const odeon_scalar two[1] = {odeon_imm(2.0)};
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    if (call->d_integrand == NULL || odeon_count(shape) == 0) {
        return ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
    }
    ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = &twice,
                       .rows = shape->dim[0], .cols = features(shape), .pitch = features(shape),
                       .v = &call->d_integrand[0]));
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                       .a = &twice.view, .b = call->in, .y = &twice));
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = call->d_in,
                    .base = call->d_out, .n = 1, .x = x, .coefficient = two);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "kinetic", &ops,
                     "last in an ODE block's body: integrates |f|^2 along the path, for a loss",
                     "Finlay, Jacobsen, Nurbekyan, Oberman, How to train your neural ODE, 2020",
                     "kineticenergy", kinetic, NULL, NULL, NULL);
