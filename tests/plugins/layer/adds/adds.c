/* adds: y = x + a field of the batch, of x's shape and dtype. For tests. */
#include "odeon/dataset.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct adds {
    ODEON_INSTANCE;
    int64_t field, needs;
} adds;

static const odeon_option *const options[] = {
    ODEON_OPTION(adds, field, CHOICE, .default_text = "control", .choices = "time|mask|control",
                 .help = "what is added"),
    ODEON_OPTION(adds, needs, FLAG, .default_text = "yes",
                 .help = "say in the plan that it is needed"),
    NULL};

static int32_t role_of(const adds *layer)
{
    static const int32_t roles[] = {ODEON_ROLE_TIME, ODEON_ROLE_MASK, ODEON_ROLE_CONTROL};
    return roles[layer->field];
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const adds *layer = self;
    plan->out = plan->in;
    plan->needs = layer->needs != 0 ? 1u << role_of(layer) : 0u;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const adds *layer = self;
    const odeon_view *field = call->batch_field(call, role_of(layer));
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
