/* augment: appends channels of zeros, which give a flow more dimensions to move in: x [B,C,...] ->
 * y [B,C+p,...]. Source: Dupont, Doucet, Teh, Augmented Neural ODEs, 2019, section 4. */
#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct augment {
    const odeon_host *host;
    int64_t channels;
} augment;

static const odeon_option channels = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "channels",
    .aliases = "dims|dim|size|augmentdim|zeros",
    .min_text = "0",
    .max_text = "2147483647",
    .help = "how many are appended",
};
static const odeon_option *const options[] = {&channels, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    augment *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "augment: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (augment){.host = host, .channels = host->option_i64(config, "channels")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    augment *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const augment *layer = self;
    if (in->ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "augment: the input is %s; it takes channels [B,C,...]",
                          shape_print(in).text);
    }
    out->flags = ODEON_LAYER_LINEAR;
    out->out = *in;
    out->out.dim[1] += layer->channels;
    return ODEON_OK;
}

/* Number of elements in one sample of x. */
static int64_t columns(const odeon_tensor *x)
{
    odeon_tensor flat = shape_channels(x);
    return flat.dim[1] * flat.dim[2];
}

/* x fills the first columns of each row; the rest stays 0. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)self;
    (void)buffers;
    const odeon_device_ops *ops = context->device->ops;
    int64_t cols = columns(in);
    ODEON_TRY(ops->fill(context->queue, out, odeon_imm(0.0), NULL));
    return ops->copy2d(context->queue, in, out, in->dim[0], cols, cols, 0, columns(out), 0);
}

/* dy [B,C+p,...] -> dx [B,C,...]: drops the appended channels. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)self;
    (void)buffers;
    (void)in;
    (void)out;
    (void)d_t;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    int64_t cols = columns(d_in);
    return context->device->ops->copy2d(context->queue, d_out, d_in, d_in->dim[0], cols,
                                        columns(d_out), 0, cols, 0);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "augment",
    .aliases = "zeropad|anode|augmentation|padchannels",
    .summary = "appends channels of zeros",
    .version = "1.0",
    .license = "MIT",
    .source = "Dupont, Doucet, Teh, Augmented Neural ODEs, 2019, section 4",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/augment");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "augment",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
