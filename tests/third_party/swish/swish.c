/* swish.c: y = x s with s = 1 / (1 + exp(-beta x)), element by element, by operators of the device:
 * three launches forward, six backward. One of its kernels does either in one. */
#define ODEON_PLUGIN_VERSION "1.0"
#define ODEON_PLUGIN_VENDOR  "somebody else"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "instance.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(swish, beta, F64, .default_text = "1", .help = "how steeply it turns at 0"), NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    plan->scratch_bytes = 2 * (uint64_t)odeon_bytes(&plan->in);
    return ODEON_OK;
}

/* One of two tensors like the input in the scratch. */
static odeon_tensor scratch(const odeon_layer_call *call, int64_t index)
{
    const odeon_shape *shape = &call->in->shape;
    return odeon_tensor_at((char *)call->scratch + index * odeon_bytes(shape), *shape);
}

static odeon_status logistic(const swish *layer, const odeon_layer_call *call,
                             const odeon_tensor *s)
{
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = call->in, .scale = layer->beta,
                       .y = s));
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_SIGMOID,
                    .x = &s->view, .y = s);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const odeon_tensor s = scratch(call, 0);
    ODEON_TRY(logistic(self, call, &s));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                    .a = call->in, .b = &s.view, .y = call->out);
}

/* dx = dy s + beta dy x s (1 - s) */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const swish *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    const odeon_tensor s = scratch(call, 0), through = scratch(call, 1);
    const odeon_view *terms[] = {&through.view};
    const odeon_scalar weight = odeon_imm(layer->beta);
    ODEON_TRY(logistic(layer, call, &s));
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                       .a = call->d_out, .b = &s.view, .y = call->d_in));
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                       .a = call->d_out, .b = call->in, .y = &through));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_SIGMOID,
                       .kept = &s.view, .dy = &through.view, .dx = &through));
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = call->d_in,
                    .base = &call->d_in->view, .n = 1, .x = terms, .coefficient = &weight);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "swish", &ops, "x times the logistic function of beta x",
                     "Ramachandran, Zoph, Le, Searching for activation functions, 2017, section 2",
                     NULL, swish, options, NULL, NULL);
