/* mse: the mean of d^2, d = output - label; as torch.nn.MSELoss. */
#include "../common/difference.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {&difference_option_weight, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    difference_choice choice = {.id = "mse", .kind = ODEON_DIFFERENCE_SQUARE};
    return difference_create(host, config, &choice, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LOSS,
    .kind_version = ODEON_LAYOUT_LOSS,
    .id = "mse",
    .aliases = "l2|l2loss|mseloss|meansquarederror|squarederror",
    .summary = "mean of squared differences, with the mean absolute one",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &difference_ops,
    .create = create,
    .destroy = difference_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("loss/mse");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "mse",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
