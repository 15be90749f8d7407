/* concat_time: appends a channel that holds t: x [B,C,...] -> y [B,C+1,...], first or last. Only
 * usable inside an ODE block, where there is a time. */
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct concat_time {
    ODEON_INSTANCE;
    int64_t at; /* TIME_FIRST + at is TIME_FIRST or TIME_LAST */
} concat_time;

static const odeon_option *const options[] = {
    ODEON_OPTION(concat_time, at, CHOICE, .default_text = "last", .choices = "first|last",
                 .help = "where the new channel is put"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const concat_time *layer = self;
    if (plan->in.ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "concat_time: the input is %s; it takes channels [B,C,...]",
                          shape_print(&plan->in).text);
    }
    plan->flags =
        ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T | ODEON_LAYER_LINEAR | ODEON_LAYER_TIME_CHANNEL;
    plan->time_channel = TIME_FIRST + (int32_t)layer->at;
    plan->out = plan->in;
    plan->out.dim[1] += 1;
    return ODEON_OK;
}

/* in [B,C,...] -> out [B,C+1,...]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const concat_time *layer = self;
    odeon_view x = shape_channels_view(call->in);
    odeon_tensor y = shape_channels_tensor(call->out);
    return time_join(layer->host, "concat_time", call, TIME_FIRST + layer->at, &x, &y);
}

/* d_out [B,C+1,...] -> d_in [B,C,...]; adds the channel's sum to d_t. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const concat_time *layer = self;
    odeon_view dy = shape_channels_view(call->d_out);
    return time_part(call, TIME_FIRST + layer->at, &dy);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "concat_time", &ops, "adds a channel that holds the time t", NULL,
                     "cattime|timeconcat|appendtime", concat_time, options, NULL, NULL);
