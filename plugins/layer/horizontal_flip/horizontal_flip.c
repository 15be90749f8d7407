/* horizontal_flip: in training mirrors each image left to right with the given probability; in
 * evaluation does nothing. As torchvision's RandomHorizontalFlip, except for the random numbers. x,
 * y [B,C,H,W]. */
#include "../common/crop.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(crop, probability, F64, .aliases = "p|prob", .default_text = "0.5",
                 .min_text = "0", .max_text = "1", .help = "that an image is mirrored"),
    NULL};

static odeon_status init(void *self)
{
    crop *layer = self;
    layer->id = "horizontal_flip";
    layer->geometry.flip_probability = layer->probability;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "horizontal_flip", &crop_ops,
                     "mirrors images left to right by chance, in training alone", NULL,
                     "flip|hflip|randomflip|randomhorizontalflip", crop, options, init, NULL);
