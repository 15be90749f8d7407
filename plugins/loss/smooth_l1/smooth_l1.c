/* smooth_l1: the mean of d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, d = output - label;
 * as torch.nn.SmoothL1Loss. */
#include "../common/difference.h"
#include "odeon/device_loss.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(difference, beta, F64, .flags = ODEON_OPTION_OPEN_MIN, .default_text = "1",
                 .min_text = "0", .help = "distance below which the loss is a square"),
    WEIGHT_OPTION(difference), NULL};

static odeon_status init(void *self)
{
    difference *loss = self;
    loss->id = "smooth_l1";
    loss->kind = ODEON_DIFFERENCE_SMOOTH;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(
    LOSS, "smooth_l1", &difference_ops,
    "mean of differences, squared where they are small, with the mean absolute one", NULL,
    "huber|huberloss|smoothl1loss", difference, options, init, NULL);
