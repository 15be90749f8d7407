/* packed: y = x W^T, x[B,N], W[N,N], as dense without a bias; but it works from a copy of W that
 * prepare makes, and gathers the gradient there until finish: the two slots around a change of
 * parameters, as a layer with packed weights would use them. For tests. */
#include "odeon/plugin.h"

#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"

static odeon_shape square(const odeon_shape *in)
{
    return (odeon_shape){.ndim = 2, .dtype = in->dtype, .dim = {in->dim[1], in->dim[1]}};
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    odeon_shape w = square(&plan->in);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->derived_bytes = 2u * (uint64_t)odeon_bytes(&w);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    (void)self;
    if (index > 0) {
        return ODEON_OK;
    }
    out->name = "weight";
    out->role = ODEON_PARAM_WEIGHT;
    out->shape = square(in);
    out->init = ODEON_INIT_UNIFORM;
    out->init_a = -0.5;
    out->init_b = 0.5;
    return ODEON_OK;
}

/* The copy of W, and the gradient gathered so far. */
static odeon_tensor part(const odeon_layer_call *call, int index)
{
    const odeon_shape *w = &call->param[0].shape;
    return odeon_tensor_at((char *)call->derived + index * odeon_bytes(w), *w);
}

static odeon_status prepare(void *self, const odeon_layer_call *call)
{
    (void)self;
    odeon_tensor copy = part(call, 0), gathered = part(call, 1);
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = &call->param[0], .y = &copy));
    return ODEON_DO(call->device, move, fill, call->queue, .y = &gathered, .value = odeon_imm(0.0));
}

static odeon_status finish(void *self, const odeon_layer_call *call)
{
    (void)self;
    odeon_tensor gathered = part(call, 1);
    const odeon_tensor *grad = &call->grad[0];
    const odeon_view *x[1] = {&gathered.view};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    ODEON_TRY(ODEON_DO(call->device, solver, lincomb, call->queue, .y = grad, .base = &grad->view,
                       .n = 1, .x = x, .coefficient = one));
    return ODEON_DO(call->device, move, fill, call->queue, .y = &gathered, .value = odeon_imm(0.0));
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    odeon_tensor w = part(call, 0);
    return ODEON_DO(call->device, product, gemm, call->queue, .trans_b = 1, .alpha = 1.0,
                    .a = call->in, .b = &w.view, .c = call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    odeon_tensor w = part(call, 0), gathered = part(call, 1);
    if (call->d_in != NULL) {
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = call->d_out,
                           .b = &w.view, .c = call->d_in));
    }
    return ODEON_DO(call->device, product, gemm, call->queue, .trans_a = 1, .alpha = 1.0,
                    .a = call->d_out, .b = call->in, .beta = 1.0, .c = &gathered);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .plan = plan,
                                    .param = param,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .prepare = prepare,
                                    .finish = finish};

ODEON_PLUGIN(LAYER, "packed", &ops, "for tests: a product that works from a copy of its weights",
             NULL);
