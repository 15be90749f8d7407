#include "pointwise.h"
#include "odeon/device_pointwise.h"

/* POINTWISE lets the host fuse the function into the layer before it. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const pointwise *layer = self;
    plan->flags = ODEON_LAYER_POINTWISE | ODEON_LAYER_NEEDS_OUT;
    plan->act = layer->act;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const pointwise *layer = self;
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = layer->act, .x = call->in,
                    .y = call->out);
}

/* d_out, out -> d_in = d_out f'(out). */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const pointwise *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    return ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = layer->act,
                    .kept = &call->out->view, .dy = call->d_out, .dx = call->d_in);
}

const odeon_layer_ops pointwise_ops = {
    .struct_size = sizeof(odeon_layer_ops), .plan = plan, .forward = forward, .vjp = vjp};
