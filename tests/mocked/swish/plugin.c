/* The host side of layer swish's kernel for the device cuda (tests/third_party/swish), for mocked.
 */
#include "instance.h"

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "swish@mocked",
    .summary = "swish in one launch, for tests",
    .version = "1.0",
    .license = "MIT",
    .ops = &swish_cuda_ops,
    .create = swish_create,
    .destroy = swish_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/swish@mocked");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "swish@mocked",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
