/* smooth_l1: the mean of d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, d = output - label;
 * as torch.nn.SmoothL1Loss. */
#include "../common/difference.h"
#include "odeon/plugin.h"

static const odeon_option beta = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "beta",
    .default_text = "1",
    .min_text = "0",
    .help = "distance below which the loss is a square",
};
static const odeon_option *const options[] = {&beta, &difference_option_weight, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    difference_choice choice = {.id = "smooth_l1",
                                .kind = ODEON_DIFFERENCE_SMOOTH,
                                .beta = host->option_f64(config, "beta")};
    return difference_create(host, config, &choice, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LOSS,
    .kind_version = ODEON_LAYOUT_LOSS,
    .id = "smooth_l1",
    .aliases = "huber|huberloss|smoothl1loss",
    .summary = "mean of differences, squared where they are small, with the mean absolute one",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &difference_ops,
    .create = create,
    .destroy = difference_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("loss/smooth_l1");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "smooth_l1",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
