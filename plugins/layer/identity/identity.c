/* identity: y = x, any shape; a placeholder in a chain, without cost. */
#include "../common/view.h"
#include "odeon/plugin.h"

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_VIEW | ODEON_LAYER_LINEAR;
    out->out = *in;
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = view_forward, .vjp = view_vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "identity",
    .aliases = "noop|passthrough|none",
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/identity");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "identity",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
