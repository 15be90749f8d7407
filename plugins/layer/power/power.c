/* power: y = scale * x^exponent, element by element, any shape; NaN where C's pow gives NaN: for a
 * negative x unless the exponent is whole. */
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct power {
    ODEON_INSTANCE;
    double exponent, scale;
} power;

static const odeon_option *const options[] = {
    ODEON_OPTION(power, exponent, F64, .flags = ODEON_OPTION_REQUIRED, .aliases = "power|p|n",
                 .help = "what every number is raised to"),
    ODEON_OPTION(power, scale, F64, .default_text = "1", .help = "factor of the power"), NULL};

/* The derivative needs x; y would not do for exponents where x cannot be recovered from y. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const power *layer = self;
    return ODEON_DO(call->device, pointwise, power, call->queue, .scale = layer->scale,
                    .exponent = layer->exponent, .x = call->in, .y = call->out);
}

/* dx = dy scale exponent x^(exponent - 1). */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const power *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    if (layer->exponent == 0.0) { /* 0 * x^-1 would be NaN at 0 */
        return ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in,
                        .value = odeon_imm(0.0));
    }
    ODEON_TRY(ODEON_DO(call->device, pointwise, power, call->queue,
                       .scale = layer->scale * layer->exponent, .exponent = layer->exponent - 1.0,
                       .x = call->in, .y = call->d_in));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                    .a = &call->d_in->view, .b = call->d_out, .y = call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "power", &ops, "raises every number to a fixed power", NULL,
                     "pow|square|cube", power, options, NULL, NULL);
