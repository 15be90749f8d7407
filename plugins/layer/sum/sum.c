/* sum: y = b1(x) + b2(x) + ..., where every subsection is a branch; any shape. */
#include <string.h>

#include "../common/bodies.h"
#include "../common/shape.h"
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
        return odeon_fail(host, ODEON_ERR_NOMEM, "sum: no memory for %zu bytes", sizeof *layer);
    }
    odeon_status status = bodies_init(host, "sum", layer);
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

/* Scratch holds the output of a branch after the first, or its part of d_in. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    const bodies *layer = self;
    (void)device;
    ODEON_TRY(bodies_plan(layer, in, flags, out));
    for (int32_t i = 1; i < layer->n; i++) {
        odeon_chain_info info = {.struct_size = sizeof info};
        ODEON_TRY(layer->chain->plan(layer->nets[i], in->dim[0], flags, &info));
        if (info.out.ndim != out->out.ndim ||
            memcmp(info.out.dim, out->out.dim, sizeof info.out.dim) != 0) {
            return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "sum: branch 1 makes %s, branch %d %s; a sum needs one shape",
                              shape_print(&out->out).text, (int)i + 1, shape_print(&info.out).text);
        }
    }
    out->scratch_bytes = layer->n > 1 ? bodies_value_bytes(out, in) : 0;
    return ODEON_OK;
}

/* total += part */
static odeon_status add(const odeon_context *context, const odeon_tensor *part,
                        const odeon_tensor *total)
{
    return context->device->ops->binary(context->queue, ODEON_BINARY_ADD, total, part, total);
}

/* The first branch writes to out; the others go through scratch and are added, in order. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const bodies *layer = self;
    odeon_tensor made = *out;
    made.data = buffers->scratch;
    ODEON_TRY(bodies_forward(layer, 0, context, NULL, in, out, buffers->tape));
    for (int32_t i = 1; i < layer->n; i++) {
        ODEON_TRY(bodies_forward(layer, i, context, NULL, in, &made, buffers->tape));
        ODEON_TRY(add(context, &made, out));
    }
    return ODEON_OK;
}

/* d_in is the sum of the branches' vjps, added in the same way. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const bodies *layer = self;
    odeon_tensor part = d_in == NULL ? *d_out : *d_in;
    const odeon_tensor *target = d_in == NULL ? NULL : &part;
    part.data = buffers->scratch;
    (void)in;
    (void)out;
    ODEON_TRY(bodies_vjp(layer, 0, context, NULL, d_out, d_in, d_t, buffers->tape));
    for (int32_t i = 1; i < layer->n; i++) {
        ODEON_TRY(bodies_vjp(layer, i, context, NULL, d_out, target, d_t, buffers->tape));
        ODEON_TRY(d_in == NULL ? ODEON_OK : add(context, &part, d_in));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_BRANCHES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "sum",
    .aliases = "add|parallel|branches",
    .summary = "adds what the sections below it make of its input, each a branch",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/sum");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "sum",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
