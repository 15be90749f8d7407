/* l1: the mean of |d|, d = output - label, with derivative 0 where d is 0; as torch.nn.L1Loss. */
#include "../common/difference.h"
#include "odeon/device_loss.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {WEIGHT_OPTION(difference), NULL};

static odeon_status init(void *self)
{
    difference *loss = self;
    loss->id = "l1";
    loss->kind = ODEON_DIFFERENCE_ABS;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LOSS, "l1", &difference_ops, "mean of absolute differences", NULL,
                     "mae|l1loss|meanabsoluteerror|absoluteerror", difference, options, init, NULL);
