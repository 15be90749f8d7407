/* chain: the layers of its subsections, one after another, as one layer: y = body(x). Lets several
 * layers be repeated, shared or disabled together. */
#include "../common/bodies.h"
#include "odeon/plugin.h"

static void destroy(void *self)
{
    bodies *layer = self;
    if (layer != NULL) {
        bodies_fini(layer);
        layer->host->free(layer->host, layer);
    }
}

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)config;
    *out = NULL;
    bodies *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "chain: no memory for %zu bytes", sizeof *layer);
    }
    odeon_status status = bodies_init(host, "chain", layer);
    if (status != ODEON_OK) {
        destroy(layer);
        return status;
    }
    *out = layer;
    return ODEON_OK;
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    return bodies_attach(self, body, net);
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    return bodies_plan(self, in, flags, out);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    return bodies_forward(self, 0, context, NULL, in, out, buffers->tape);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)in;
    (void)out;
    return bodies_vjp(self, 0, context, NULL, d_out, d_in, d_t, buffers->tape);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "chain",
    .aliases = "sequential|seq|stack",
    .summary = "the layers of its body in a row, as one layer",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/chain");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "chain",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
