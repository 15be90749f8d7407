/* flatten: y = x with all dimensions but the batch merged: x [B,C,H,W] -> y [B,C*H*W]. */
#include "../common/view.h"
#include "odeon/plugin.h"

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_VIEW | ODEON_LAYER_LINEAR;
    plan->out = (odeon_shape){.ndim = 2, .dtype = plan->in.dtype, .dim = {plan->in.dim[0], 1}};
    for (int32_t i = 1; i < plan->in.ndim; i++) {
        plan->out.dim[1] *= plan->in.dim[i];
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = view_forward, .vjp = view_vjp};

ODEON_PLUGIN_WITH(LAYER, "flatten", &ops, "makes one vector of every sample", NULL, "reshape|view");
