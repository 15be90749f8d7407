/* scale: y = factor x + shift; any shape. */
#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct scale {
    ODEON_INSTANCE;
    double factor, shift;
} scale;

static const odeon_option *const options[] = {
    ODEON_OPTION(scale, factor, F64, .default_text = "1",
                 .help = "what every number is multiplied by"),
    ODEON_OPTION(scale, shift, F64, .default_text = "0", .help = "what is added to the product"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const scale *layer = self;
    return ODEON_DO(call->device, move, cast, call->queue, .x = call->in, .scale = layer->factor,
                    .shift = layer->shift, .y = call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const scale *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    return ODEON_DO(call->device, move, cast, call->queue, .x = call->d_out, .scale = layer->factor,
                    .y = call->d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .scheduled = "factor|shift"};

ODEON_PLUGIN_OPTIONS(LAYER, "scale", &ops, "multiplies all numbers by one and adds another", NULL,
                     "multiply|mul|gain", scale, options, NULL, NULL);
