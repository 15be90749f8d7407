/* mse: the mean of d^2, d = output - label; as torch.nn.MSELoss. */
#include "../common/difference.h"
#include "odeon/device_loss.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {WEIGHT_OPTION(difference), NULL};

static odeon_status init(void *self)
{
    difference *loss = self;
    loss->id = "mse";
    loss->kind = ODEON_DIFFERENCE_SQUARE;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LOSS, "mse", &difference_ops,
                     "mean of squared differences, with the mean absolute one", NULL,
                     "l2|l2loss|mseloss|meansquarederror|squarederror", difference, options, init,
                     NULL);
