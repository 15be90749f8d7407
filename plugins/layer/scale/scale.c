/* scale: y = factor x + shift; any shape. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct scale {
    const odeon_host *host;
    double factor, shift;
} scale;

static const odeon_option factor = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "factor",
    .default_text = "1",
    .help = "what every number is multiplied by",
};
static const odeon_option shift = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "shift",
    .default_text = "0",
    .help = "what is added to the product",
};
static const odeon_option *const options[] = {&factor, &shift, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    scale *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "scale: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (scale){.host = host,
                     .factor = host->option_f64(config, "factor"),
                     .shift = host->option_f64(config, "shift")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    scale *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_LINEAR;
    out->out = *in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const scale *layer = self;
    return context->device->ops->cast(context->queue, in, layer->factor, layer->shift, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)out;
    (void)d_t;
    const scale *layer = self;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    return context->device->ops->cast(context->queue, d_out, layer->factor, 0.0, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "scale",
    .aliases = "multiply|mul|gain",
    .summary = "multiplies all numbers by one and adds another",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/scale");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "scale",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
