/* learned: x [B,...] -> y [B,n], n numbers that are learned, the same for every sample and whatever
 * the input holds: such as the state that an ODE block starts from. Each is a parameter of its own,
 * value0, value1, ..., and begins as the option says. */
#include <stdio.h>

#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

enum { MAX_VALUES = 64 };

typedef struct learned {
    ODEON_INSTANCE;
    odeon_f64_list values;
    char names[MAX_VALUES][24];
} learned;

static const odeon_option *const options[] = {
    ODEON_OPTION(learned, values, F64_LIST, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "initial|start|guess|y0|u0", .help = "where learning begins"),
    NULL};

static odeon_status init(void *self)
{
    learned *layer = self;
    if (layer->values.n > MAX_VALUES) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "learned: values has %lld numbers, at most %d are allowed",
                          (long long)layer->values.n, MAX_VALUES);
    }
    for (int i = 0; i < MAX_VALUES; i++) {
        (void)snprintf(layer->names[i], sizeof layer->names[i], "value%d", i);
    }
    return ODEON_OK;
}

/* Scratch holds one gradient a number. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const learned *layer = self;
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = (odeon_shape){
        .ndim = 2, .dtype = plan->in.dtype, .dim = {plan->in.dim[0], layer->values.n}};
    plan->scratch_bytes = (uint64_t)layer->values.n * sizeof(double);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const learned *layer = self;
    (void)in;
    if (index >= layer->values.n) {
        return ODEON_OK;
    }
    out->role = ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = 1, .dim = {1}};
    out->name = layer->names[index];
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = layer->values.at[index];
    return ODEON_OK;
}

/* param n of [1] -> out [B,n]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const learned *layer = self;
    for (int64_t i = 0; i < layer->values.n; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &call->param[i],
                           .y = call->out, .rows = call->out->view.shape.dim[0], .cols = 1,
                           .y_pitch = layer->values.n, .y_at = i));
    }
    return ODEON_OK;
}

/* d_out [B,n] -> grad n of [1], by way of their sums [n]. */
static odeon_status add_gradients(const learned *layer, const odeon_layer_call *call)
{
    const odeon_shape row = {
        .ndim = 1, .dtype = call->d_out->shape.dtype, .dim = {layer->values.n}};
    odeon_tensor sums = odeon_tensor_at(call->scratch, row);
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &sums, .value = odeon_imm(0.0)));
    odeon_view d_out = shape_channels_view(call->d_out);
    ODEON_TRY(
        ODEON_DO(call->device, product, channel_sum, call->queue, .x = &d_out, .bias = &sums));
    for (int64_t i = 0; i < layer->values.n; i++) {
        odeon_view sum = sums.view;
        sum.byte_offset += (uint64_t)(i * odeon_dtype_bytes(row.dtype));
        sum.shape.dim[0] = 1;
        const odeon_view *x[1] = {&sum};
        ODEON_TRY(ODEON_DO(call->device, solver, lincomb, call->queue, .y = &call->grad[i],
                           .base = &call->grad[i].view, .n = 1, .x = x, .coefficient = one));
    }
    return ODEON_OK;
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const learned *layer = self;
    ODEON_TRY(call->grad != NULL ? add_gradients(layer, call) : ODEON_OK);
    return call->d_in == NULL ? ODEON_OK
                              : ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in,
                                         .value = odeon_imm(0.0));
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "learned", &ops,
                     "numbers that are learned, in place of the input: a start of an ODE block",
                     NULL, "learn|parameter|constant|learnedinitial|initialvalue", learned, options,
                     init, NULL);
