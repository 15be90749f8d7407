/* maxpool: the largest number of each window of every channel, ignoring padding, the first of
 * equals; x [B,C,H,W] -> y [B,C,P,Q]; as torch.nn.MaxPool2d. */
#include "../common/pool.h"
#include "odeon/device_pool.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    return pool_init(self, "maxpool", ODEON_POOL_MAX);
}

ODEON_PLUGIN_OPTIONS(LAYER, "maxpool", &pool_ops, "largest number of windows of every channel",
                     NULL, "maxpool2d|maxpooling|maxpooling2d", pool, pool_options, init, NULL);
