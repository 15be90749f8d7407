/* tanh: y = tanh(x), element by element, any shape. */
#include "../common/pointwise.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    pointwise *layer = self;
    layer->act = ODEON_UNARY_TANH;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "tanh", &pointwise_ops, "hyperbolic tangent: tanh(x)", NULL,
                     "hyperbolictangent", pointwise, NULL, init, NULL);
