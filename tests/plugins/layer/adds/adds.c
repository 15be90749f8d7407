/* adds: y = x + a field of the batch, of x's shape and dtype. For tests. */
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct adds {
    ODEON_INSTANCE;
    const char *name;
} adds;

static const odeon_option *const options[] = {ODEON_OPTION_AS(adds, name, STRING, "field",
                                                              .default_text = "control",
                                                              .help = "time, mask or control"),
                                              NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const adds *layer = self;
    const odeon_view *field = call->batch_field(call, layer->name);
    if (field == NULL || odeon_count(&field->shape) != odeon_count(&call->in->shape) ||
        field->shape.dtype != call->in->shape.dtype ||
        field->shape.dim[0] != call->in->shape.dim[0]) {
        return odeon_fail(layer->host, ODEON_ERR_DATA, "adds: no such field of %lld samples",
                          (long long)call->in->shape.dim[0]);
    }
    const odeon_view *x[1] = {field};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = call->out, .base = call->in,
                    .n = 1, .x = x, .coefficient = one);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "adds", &ops, "adds a field of the batch", NULL, NULL, adds, options,
                     NULL, NULL);
