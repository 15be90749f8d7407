/* normalize: y = (x - mean) / std with fixed numbers, one for all elements or one per channel; x, y
 * [B,C,...]. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct normalize {
    ODEON_INSTANCE;
    odeon_f64_list mean, std;
} normalize;

static const odeon_option *const options[] = {
    ODEON_OPTION(normalize, mean, F64_LIST, .flags = ODEON_OPTION_REQUIRED, .aliases = "mu|shift",
                 .help = "what becomes 0: one number for all channels, or one for each"),
    ODEON_OPTION(
        normalize, std, F64_LIST, .flags = ODEON_OPTION_REQUIRED | ODEON_OPTION_OPEN_MIN,
        .aliases = "stddev|scale|sigma", .min_text = "0",
        .help = "what the difference is divided by: one number for all channels, or one for each"),
    NULL};

static int32_t is_uniform(const normalize *layer)
{
    return layer->mean.n == 1 && layer->std.n == 1;
}

/* One number, or one per channel. */
static odeon_status check_count(const normalize *layer, const char *name, int64_t n,
                                const odeon_shape *in)
{
    if (n == 1 || (in->ndim >= 2 && n == in->dim[1])) {
        return ODEON_OK;
    }
    return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                      "normalize: %s has %d numbers, the input is %s [B,C,...]; give one, or one "
                      "for each of its channels",
                      name, (int)n, shape_print(in).text);
}

/* One channel's elements over the whole batch. */
static odeon_shape channel_of(const odeon_shape *x)
{
    odeon_shape flat = shape_channels(x);
    return (odeon_shape){.ndim = 1, .dtype = x->dtype, .dim = {flat.dim[0] * flat.dim[2]}};
}

static uint64_t channel_bytes(const odeon_shape *channel)
{
    return ((uint64_t)odeon_bytes(channel) + 63) / 64 * 64;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const normalize *layer = self;
    ODEON_TRY(check_count(layer, "mean", layer->mean.n, &plan->in));
    ODEON_TRY(check_count(layer, "std", layer->std.n, &plan->in));
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    if (!is_uniform(layer)) {
        odeon_shape channel = channel_of(&plan->in);
        plan->scratch_bytes = 2 * channel_bytes(&channel);
    }
    return ODEON_OK;
}

/* y = scale x + shift for a channel. */
static double scale_of(const normalize *layer, int64_t channel)
{
    return 1.0 / layer->std.at[layer->std.n == 1 ? 0 : channel];
}

static double shift_of(const normalize *layer, int64_t channel)
{
    return -layer->mean.at[layer->mean.n == 1 ? 0 : channel] * scale_of(layer, channel);
}

/* A channel's elements are strided, so each channel is gathered into scratch, converted and copied
 * back. */
static odeon_status apply_each(const normalize *layer, const odeon_layer_call *call,
                               const odeon_view *x, const odeon_tensor *y, double with_shift)
{
    odeon_shape flat = shape_channels(&x->shape), channel = channel_of(&x->shape);
    int64_t rows = flat.dim[0], cols = flat.dim[2], pitch = flat.dim[1] * cols;
    odeon_tensor before = odeon_tensor_at(call->scratch, channel);
    odeon_tensor after = odeon_tensor_at((char *)call->scratch + channel_bytes(&channel), channel);
    for (int64_t c = 0; c < flat.dim[1]; c++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = x, .y = &before,
                           .rows = rows, .cols = cols, .x_pitch = pitch, .x_at = c * cols,
                           .y_pitch = cols));
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &before.view, .y = &after,
                           .scale = scale_of(layer, c), .shift = with_shift * shift_of(layer, c)));
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &after.view, .y = y,
                           .rows = rows, .cols = cols, .x_pitch = cols, .y_pitch = pitch,
                           .y_at = c * cols));
    }
    return ODEON_OK;
}

/* y = scale x + with_shift * shift. */
static odeon_status apply(const normalize *layer, const odeon_layer_call *call, const odeon_view *x,
                          const odeon_tensor *y, double with_shift)
{
    if (!is_uniform(layer)) {
        return apply_each(layer, call, x, y, with_shift);
    }
    return ODEON_DO(call->device, move, cast, call->queue, .x = x, .y = y,
                    .scale = scale_of(layer, 0), .shift = with_shift * shift_of(layer, 0));
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    return apply(self, call, call->in, call->out, 1.0);
}

/* dx = dy / std. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    return call->d_in == NULL ? ODEON_OK : apply(self, call, call->d_out, call->d_in, 0.0);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "normalize", &ops,
                     "subtracts given means and divides by given deviations, channel by channel",
                     NULL, "normalise|standardize|standardise|normalization|standardscaler",
                     normalize, options, NULL, NULL);
