/* avgpool: the mean over each window of every channel, padded zeros included; x [B,C,H,W] -> y
 * [B,C,P,Q]; as torch.nn.AvgPool2d. */
#include "../common/pool.h"
#include "odeon/device_pool.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    return pool_init(self, "avgpool", ODEON_POOL_AVG);
}

ODEON_PLUGIN_OPTIONS(LAYER, "avgpool", &pool_ops, "mean over windows of every channel", NULL,
                     "avgpool2d|averagepool|averagepooling|averagepooling2d|meanpool", pool,
                     pool_options, init, NULL);
