/* doubled: y = 2 x in training, left out of evaluation; flat = yes also makes one vector of a
 * sample. */
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

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    const doubled *layer = self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_TRAIN_ONLY | ODEON_LAYER_LINEAR;
    out->out = *in;
    if (layer->flat) {
        odeon_tensor one = *in;
        one.dim[0] = 1;
        out->out =
            (odeon_tensor){.ndim = 2, .dtype = in->dtype, .dim = {in->dim[0], odeon_count(&one)}};
    }
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)self;
    (void)buffers;
    return context->device->ops->cast(context->queue, in, 2.0, 0.0, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)in;
    (void)out;
    (void)d_t;
    return d_in == NULL ? ODEON_OK : forward(self, context, buffers, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "doubled",
    .summary = "twice its input, in training alone",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/doubled");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "doubled",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
