/* softplus: y = log(1 + exp(x)), element by element, any shape; x itself above 20, as PyTorch's. */
#include "../common/pointwise.h"
#include "odeon/plugin.h"

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)config;
    return pointwise_create(host, ODEON_UNARY_SOFTPLUS, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "softplus",
    .summary = "smooth rectifier: log(1 + exp(x))",
    .version = "1.0",
    .license = "MIT",
    .ops = &pointwise_ops,
    .create = create,
    .destroy = pointwise_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/softplus");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "softplus",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
