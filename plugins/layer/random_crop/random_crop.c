/* random_crop: in training a window of every image, drawn per sample among all that lie within the
 * image and a border of zeros; in evaluation the centred one. As torchvision's RandomCrop, except
 * for the random numbers. x [B,C,H,W] -> y [B,C,P,Q]. */
#include "../common/crop.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(crop, size, I64_LIST, .flags = ODEON_OPTION_OPTIONAL, .min_text = "1",
                 .max_text = "65535", .unit = "pixels",
                 .help = "edge of the window, or height and width; left out: the image's"),
    ODEON_OPTION(crop, padding, I64, .default_text = "0", .min_text = "0", .max_text = "32767",
                 .unit = "pixels", .help = "zeros around the image that the window may reach into"),
    NULL};

static odeon_status init(void *self)
{
    crop *layer = self;
    const odeon_i64_list *size = &layer->size;
    if (size->at != NULL && (size->n < 1 || size->n > 2)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "random_crop: size has %d numbers; give one, or two (height width)",
                          (int)size->n);
    }
    layer->id = "random_crop";
    layer->height = size->at != NULL ? size->at[0] : 0;
    layer->width = size->at != NULL ? size->at[size->n - 1] : 0;
    layer->geometry = (odeon_window_geometry){.padding = (int32_t)layer->padding, .random = 1};
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "random_crop", &crop_ops,
                     "a window of every image, anywhere in training, in the middle in evaluation",
                     NULL, "crop", crop, options, init, NULL);
