/* power: y = scale * x^exponent, element by element, any shape; NaN where C's pow gives NaN: for a
 * negative x unless the exponent is whole. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct power {
    const odeon_host *host;
    double exponent, scale;
} power;

static const odeon_option exponent = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "exponent",
    .aliases = "power|p|n",
    .help = "what every number is raised to",
};
static const odeon_option scale = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "scale",
    .default_text = "1",
    .help = "factor of the power",
};
static const odeon_option *const options[] = {&exponent, &scale, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    power *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "power: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (power){.host = host,
                     .exponent = host->option_f64(config, "exponent"),
                     .scale = host->option_f64(config, "scale")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    power *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* The derivative needs x; y would not do for exponents where x cannot be recovered from y. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_NEEDS_IN;
    out->out = *in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const power *layer = self;
    return context->device->ops->power(context->queue, layer->scale, layer->exponent, in, out);
}

/* dx = dy scale exponent x^(exponent - 1). */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)out;
    (void)d_t;
    const power *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    if (layer->exponent == 0.0) { /* 0 * x^-1 would be NaN at 0 */
        return ops->fill(context->queue, d_in, odeon_imm(0.0), NULL);
    }
    ODEON_TRY(ops->power(context->queue, layer->scale * layer->exponent, layer->exponent - 1.0, in,
                         d_in));
    return ops->binary(context->queue, ODEON_BINARY_MUL, d_in, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "power",
    .aliases = "pow|square|cube",
    .summary = "raises every number to a fixed power",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/power");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "power",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
