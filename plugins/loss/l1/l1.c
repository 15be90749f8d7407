/* l1: the mean of |d|, d = output - label, with derivative 0 where d is 0; as torch.nn.L1Loss. */
#include "../common/difference.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {&difference_option_weight, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    difference_choice choice = {.id = "l1", .kind = ODEON_DIFFERENCE_ABS};
    return difference_create(host, config, &choice, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LOSS,
    .kind_version = ODEON_LAYOUT_LOSS,
    .id = "l1",
    .aliases = "mae|l1loss|meanabsoluteerror|absoluteerror",
    .summary = "mean of absolute differences",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &difference_ops,
    .create = create,
    .destroy = difference_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("loss/l1");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "l1",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
