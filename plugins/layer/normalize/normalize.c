/* normalize: y = (x - mean) / std with fixed numbers, one for all elements or one per channel; x, y
 * [B,C,...]. */
#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct normalize {
    const odeon_host *host;
    const double *mean, *std; /* borrowed from the configuration */
    int32_t n_mean, n_std;
} normalize;

static const odeon_option mean = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "mean",
    .aliases = "mu|shift",
    .help = "what becomes 0: one number for all channels, or one for each",
};
static const odeon_option std = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .flags = ODEON_OPTION_REQUIRED | ODEON_OPTION_OPEN_MIN,
    .name = "std",
    .aliases = "stddev|scale|sigma",
    .min_text = "0",
    .help = "what the difference is divided by: one number for all channels, or one for each",
};
static const odeon_option *const options[] = {&mean, &std, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    normalize *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "normalize: no memory for %zu bytes",
                          sizeof *layer);
    }
    *layer = (normalize){.host = host};
    layer->mean = host->option_list_f64(config, "mean", &layer->n_mean);
    layer->std = host->option_list_f64(config, "std", &layer->n_std);
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    normalize *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static int32_t is_uniform(const normalize *layer)
{
    return layer->n_mean == 1 && layer->n_std == 1;
}

/* One number, or one per channel. */
static odeon_status check_count(const normalize *layer, const char *name, int32_t n,
                                const odeon_tensor *in)
{
    if (n == 1 || (in->ndim >= 2 && n == in->dim[1])) {
        return ODEON_OK;
    }
    return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                      "normalize: %s has %d numbers, the input is %s [B,C,...]; give one, or one "
                      "for each of its channels",
                      name, (int)n, shape_print(in).text);
}

/* The shape of one channel's elements over the whole batch. */
static odeon_tensor channel_of(const odeon_tensor *x)
{
    odeon_tensor flat = shape_channels(x);
    return (odeon_tensor){
        .dim = {flat.dim[0] * flat.dim[2]}, .ndim = 1, .dtype = x->dtype, .data = NULL};
}

static uint64_t channel_bytes(const odeon_tensor *channel)
{
    uint64_t bytes = (uint64_t)(odeon_count(channel) * odeon_dtype_bytes(channel->dtype));
    return (bytes + 63) / 64 * 64;
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const normalize *layer = self;
    ODEON_TRY(check_count(layer, "mean", layer->n_mean, in));
    ODEON_TRY(check_count(layer, "std", layer->n_std, in));
    out->flags = ODEON_LAYER_LINEAR;
    out->out = *in;
    if (!is_uniform(layer)) {
        odeon_tensor channel = channel_of(in);
        out->scratch_bytes = 2 * channel_bytes(&channel);
    }
    return ODEON_OK;
}

/* y = scale x + shift for a channel. */
static double scale_of(const normalize *layer, int64_t channel)
{
    return 1.0 / layer->std[layer->n_std == 1 ? 0 : channel];
}

static double shift_of(const normalize *layer, int64_t channel)
{
    return -layer->mean[layer->n_mean == 1 ? 0 : channel] * scale_of(layer, channel);
}

/* y = scale x + with_shift * shift. A channel's elements are strided, so each is gathered into
 * scratch, converted and copied back. */
static odeon_status apply(const normalize *layer, const odeon_context *context,
                          const odeon_buffers *buffers, const odeon_tensor *x,
                          const odeon_tensor *y, double with_shift)
{
    const odeon_device_ops *ops = context->device->ops;
    if (is_uniform(layer)) {
        return ops->cast(context->queue, x, scale_of(layer, 0), with_shift * shift_of(layer, 0), y);
    }
    odeon_tensor flat = shape_channels(x), before = channel_of(x), after = before;
    int64_t rows = flat.dim[0], cols = flat.dim[2], pitch = flat.dim[1] * cols;
    before.data = buffers->scratch;
    after.data = (char *)buffers->scratch + channel_bytes(&before);
    for (int64_t c = 0; c < flat.dim[1]; c++) {
        ODEON_TRY(ops->copy2d(context->queue, x, &before, rows, cols, pitch, c * cols, cols, 0));
        ODEON_TRY(ops->cast(context->queue, &before, scale_of(layer, c),
                            with_shift * shift_of(layer, c), &after));
        ODEON_TRY(ops->copy2d(context->queue, &after, y, rows, cols, cols, 0, pitch, c * cols));
    }
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    return apply(self, context, buffers, in, out, 1.0);
}

/* dx = dy / std. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)in;
    (void)out;
    (void)d_t;
    return d_in == NULL ? ODEON_OK : apply(self, context, buffers, d_out, d_in, 0.0);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "normalize",
    .aliases = "normalise|standardize|standardise|normalization|standardscaler",
    .summary = "subtracts given means and divides by given deviations, channel by channel",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/normalize");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "normalize",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
