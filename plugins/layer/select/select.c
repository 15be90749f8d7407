/* select: some of the channels, in any order, each at most once: x [B,C,...] -> y [B,n,...]. No
 * parameters. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct select {
    ODEON_INSTANCE;
    odeon_i64_list channels;
} select;

static const odeon_option *const options[] = {
    ODEON_OPTION(select, channels, I64_LIST, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "components|columns|index|indices", .min_text = "0",
                 .help = "numbers of channels from 0, as in 0 2"),
    NULL};

/* The first entry that is no channel of the input or comes back; n: none. */
static int64_t mistake(const odeon_i64_list *channels, int64_t of)
{
    for (int64_t i = 0; i < channels->n; i++) {
        if (channels->at[i] >= of) {
            return i;
        }
        for (int64_t k = 0; k < i; k++) {
            if (channels->at[k] == channels->at[i]) {
                return i;
            }
        }
    }
    return channels->n;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const select *layer = self;
    if (plan->in.ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "select: the input is %s; it takes channels [B,C,...]",
                          shape_print(&plan->in).text);
    }
    int64_t wrong = mistake(&layer->channels, plan->in.dim[1]);
    if (wrong < layer->channels.n || layer->channels.n == 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "select: channels of the input %s are 0 to %lld, each at most once; %lld "
                          "is not one more of them",
                          shape_print(&plan->in).text, (long long)plan->in.dim[1] - 1,
                          wrong < layer->channels.n ? (long long)layer->channels.at[wrong] : -1);
    }
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->out.dim[1] = layer->channels.n;
    return ODEON_OK;
}

/* in [B,C,...] -> out [B,n,...]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const select *layer = self;
    odeon_shape x = shape_channels(&call->in->shape), y = shape_channels(&call->out->view.shape);
    for (int64_t i = 0; i < y.dim[1]; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->in, .y = call->out,
                           .rows = x.dim[0], .cols = x.dim[2], .x_pitch = x.dim[1] * x.dim[2],
                           .x_at = layer->channels.at[i] * x.dim[2], .y_pitch = y.dim[1] * y.dim[2],
                           .y_at = i * y.dim[2]));
    }
    return ODEON_OK;
}

/* Channels that were not taken have the cotangent 0. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const select *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    odeon_shape x = shape_channels(&call->d_in->view.shape),
                y = shape_channels(&call->d_out->shape);
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in, .value = odeon_imm(0.0)));
    for (int64_t i = 0; i < y.dim[1]; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out,
                           .y = call->d_in, .rows = x.dim[0], .cols = x.dim[2],
                           .x_pitch = y.dim[1] * y.dim[2], .x_at = i * y.dim[2],
                           .y_pitch = x.dim[1] * x.dim[2],
                           .y_at = layer->channels.at[i] * x.dim[2]));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "select", &ops, "some of the channels of its input", NULL,
                     "slice|take|channels|components", select, options, NULL, NULL);
