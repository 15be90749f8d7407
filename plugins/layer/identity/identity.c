/* identity: y = x, any shape; a placeholder in a chain, without cost. */
#include "../common/view.h"
#include "odeon/plugin.h"

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_VIEW | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = view_forward, .vjp = view_vjp};

ODEON_PLUGIN_WITH(LAYER, "identity", &ops, "passes its input on", NULL, "noop|passthrough|none");
