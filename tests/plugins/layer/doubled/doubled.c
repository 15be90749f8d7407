/* doubled: y = 2 x in training, left out of evaluation; flat = yes also makes one vector of a
 * sample. */
#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct doubled {
    ODEON_INSTANCE;
    int64_t flat;
} doubled;

static const odeon_option *const options[] = {
    ODEON_OPTION(doubled, flat, FLAG, .default_text = "no",
                 .help = "make one vector of every sample"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const doubled *layer = self;
    plan->flags = ODEON_LAYER_TRAIN_ONLY | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    if (layer->flat) {
        odeon_shape sample = plan->in;
        sample.dim[0] = 1;
        plan->out = (odeon_shape){
            .ndim = 2, .dtype = plan->in.dtype, .dim = {plan->in.dim[0], odeon_count(&sample)}};
    }
    return ODEON_OK;
}

static odeon_status twice(const odeon_layer_call *call, const odeon_view *x, const odeon_tensor *y)
{
    return ODEON_DO(call->device, move, cast, call->queue, .x = x, .scale = 2.0, .y = y);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    return twice(call, call->in, call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL ? ODEON_OK : twice(call, call->d_out, call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "doubled", &ops, "twice its input, in training alone", NULL, NULL,
                     doubled, options, NULL, NULL);
