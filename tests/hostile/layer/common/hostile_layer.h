/* hostile_layer.h: the plugin of a layer that copies, as a container. A source that wants one thing
 * about it wrong defines it before including this; the id in any case. */
#ifndef ODEON_TESTS_HOSTILE_LAYER_H
#define ODEON_TESTS_HOSTILE_LAYER_H
#include "odeon/odeon.h"

#ifndef HOSTILE_BODIES
#define HOSTILE_BODIES ODEON_BODIES_CHAIN
#endif
#ifndef HOSTILE_ATTACH
#define HOSTILE_ATTACH attach
static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    (void)self;
    (void)body;
    (void)net;
    return ODEON_OK;
}
#endif
#ifndef HOSTILE_OPTIONS
#define HOSTILE_OPTIONS NULL
#endif
#ifndef HOSTILE_BODY_NAMES
#define HOSTILE_BODY_NAMES NULL
#endif

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->out = *in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)self;
    (void)buffers;
    return context->device->ops->copy(context->queue, in, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)in;
    (void)out;
    (void)d_t;
    return forward(self, context, buffers, d_out, d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = HOSTILE_BODIES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = HOSTILE_ATTACH,
                                    .body_names = HOSTILE_BODY_NAMES};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = HOSTILE_ID,
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .options = HOSTILE_OPTIONS,
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/" HOSTILE_ID);
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = HOSTILE_ID,
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
#endif
