/* doubled: y = 2 x in training, left out of evaluation; flat = yes also makes one vector of a
 * sample. */
#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct doubled {
    const odeon_host *host;
    int32_t flat, reserved0;
} doubled;

static const odeon_option flat = {.struct_size = sizeof(odeon_option),
                                  .type = ODEON_OPTION_FLAG,
                                  .name = "flat",
                                  .default_text = "no",
                                  .help = "make one vector of every sample"};
static const odeon_option *const options[] = {&flat, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    doubled *layer = host->alloc(host, sizeof *layer);
    *out = layer;
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "doubled: no memory");
    }
    *layer = (doubled){.host = host, .flat = (int32_t)host->option_i64(config, "flat")};
    return ODEON_OK;
}

static void destroy(void *self)
{
    doubled *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

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

ODEON_PLUGIN_WITH(LAYER, "doubled", &ops, "twice its input, in training alone", NULL, NULL, options,
                  create, destroy);
