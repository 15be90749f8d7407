/* plugin_cuda.c: the plugin layer/swish@cuda.so. */
#include "instance.h"

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "swish@cuda",
    .summary = "swish in one launch",
    .version = "1.0",
    .license = "MIT",
    .ops = &swish_cuda_ops,
    .create = swish_create,
    .destroy = swish_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/swish@cuda");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "swish@cuda",
    .version = "1.0",
    .vendor = "somebody else",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
