/* relu: y = max(x, 0), element by element, any shape; its derivative at 0 is 0, as PyTorch's. */
#include "../common/pointwise.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    pointwise *layer = self;
    layer->act = ODEON_UNARY_RELU;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "relu", &pointwise_ops, "rectified linear unit: max(x, 0)", NULL,
                     "rectifier|rectifiedlinear", pointwise, NULL, init, NULL);
