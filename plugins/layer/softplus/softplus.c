/* softplus: y = log(1 + exp(x)), element by element, any shape; x itself above 20, as PyTorch's. */
#include "../common/pointwise.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    pointwise *layer = self;
    layer->act = ODEON_UNARY_SOFTPLUS;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "softplus", &pointwise_ops, "smooth rectifier: log(1 + exp(x))", NULL,
                     NULL, pointwise, NULL, init, NULL);
