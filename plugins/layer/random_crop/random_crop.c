/* random_crop: in training a window of every image, drawn per sample among all that lie within the
 * image and a border of zeros; in evaluation the centred one. As torchvision's RandomCrop, except
 * for the random numbers. x [B,C,H,W] -> y [B,C,P,Q]. */
#include "../common/crop.h"
#include "odeon/plugin.h"

static const odeon_option size = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "size",
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "edge of the window, or height and width; left out: the image's",
};
static const odeon_option padding = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "padding",
    .default_text = "0",
    .min_text = "0",
    .max_text = "32767",
    .unit = "pixels",
    .help = "zeros around the image that the window may reach into",
};
static const odeon_option *const options[] = {&size, &padding, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    int32_t n = 0;
    const int64_t *edges = host->option_list_i64(config, "size", &n);
    if (edges != NULL && (n < 1 || n > 2)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "random_crop: size has %d numbers; give one, or two (height width)",
                          (int)n);
    }
    crop_choice choice = {
        .id = "random_crop",
        .height = edges != NULL ? edges[0] : 0,
        .width = edges != NULL ? edges[n - 1] : 0,
        .geometry = {.padding = (int32_t)host->option_i64(config, "padding"), .random = 1},
    };
    return crop_create(host, &choice, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "random_crop",
    .aliases = "crop",
    .summary = "a window of every image, anywhere in training, in the middle in evaluation",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &crop_ops,
    .create = create,
    .destroy = crop_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/random_crop");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "random_crop",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
