/* horizontal_flip: in training mirrors each image left to right with the given probability; in
 * evaluation does nothing. As torchvision's RandomHorizontalFlip, except for the random numbers. x,
 * y [B,C,H,W]. */
#include "../common/crop.h"
#include "odeon/plugin.h"

static const odeon_option probability = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "probability",
    .aliases = "p|prob",
    .default_text = "0.5",
    .min_text = "0",
    .max_text = "1",
    .help = "that an image is mirrored",
};
static const odeon_option *const options[] = {&probability, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    crop_choice choice = {
        .id = "horizontal_flip",
        .geometry = {.flip_probability = host->option_f64(config, "probability")},
    };
    return crop_create(host, &choice, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "horizontal_flip",
    .aliases = "flip|hflip|randomflip|randomhorizontalflip",
    .summary = "mirrors images left to right by chance, in training alone",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &crop_ops,
    .create = create,
    .destroy = crop_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/horizontal_flip");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "horizontal_flip",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
