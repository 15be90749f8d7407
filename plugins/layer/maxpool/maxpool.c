/* maxpool: the largest number of each window of every channel, ignoring padding, the first of
 * equals; x [B,C,H,W] -> y [B,C,P,Q]; as torch.nn.MaxPool2d. */
#include "../common/pool.h"
#include "odeon/plugin.h"

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    return pool_create(host, config, "maxpool", ODEON_POOL_MAX, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "maxpool",
    .aliases = "maxpool2d|maxpooling|maxpooling2d",
    .summary = "largest number of windows of every channel",
    .version = "1.0",
    .license = "MIT",
    .options = pool_options,
    .ops = &pool_ops,
    .create = create,
    .destroy = pool_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/maxpool");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "maxpool",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
