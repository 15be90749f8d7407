/* flatten: y = x with all dimensions but the batch merged: x [B,C,H,W] -> y [B,C*H*W]. */
#include "../common/view.h"
#include "odeon/plugin.h"

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    odeon_tensor flat = {.ndim = 2, .dtype = in->dtype, .dim = {in->dim[0], 1}};
    for (int32_t i = 1; i < in->ndim; i++) {
        flat.dim[1] *= in->dim[i];
    }
    out->flags = ODEON_LAYER_VIEW | ODEON_LAYER_LINEAR;
    out->out = flat;
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = view_forward, .vjp = view_vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "flatten",
    .aliases = "reshape|view",
    .summary = "makes one vector of every sample",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/flatten");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "flatten",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
