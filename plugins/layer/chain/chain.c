/* chain: the layers of its subsections, one after another, as one layer: y = body(x). Lets several
 * layers be repeated, shared or disabled together. */
#include "../common/bodies.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    bodies *layer = self;
    return bodies_init(layer->host, "chain", layer);
}

static void fini(void *self)
{
    bodies_fini(self);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    return bodies_attach(self, body, net);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    return bodies_plan(self, plan);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    return bodies_forward(self, 0, call, NULL, call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    return bodies_vjp(self, 0, call, NULL, call->d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "chain", &ops, "the layers of its body in a row, as one layer", NULL,
                     "sequential|seq|stack", bodies, NULL, init, fini);
