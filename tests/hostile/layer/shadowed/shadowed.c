/* A layer with two kernels for one device: this one, and that of shadowed@cpu.so. */
#include "odeon/odeon.h"

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
    return d_in == NULL ? ODEON_OK : forward(self, context, buffers, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component layer = {
    .struct_size = sizeof layer,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "shadowed",
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component kernel = {
    .struct_size = sizeof kernel,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "shadowed@cpu",
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&layer, &kernel, NULL};

ODEON_PLUGIN_NOTE("layer/shadowed,layer/shadowed@cpu");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "shadowed",
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
