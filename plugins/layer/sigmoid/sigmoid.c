/* sigmoid: y = 1 / (1 + exp(-x)), element by element, any shape. */
#include "../common/pointwise.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    pointwise *layer = self;
    layer->act = ODEON_UNARY_SIGMOID;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "sigmoid", &pointwise_ops, "logistic function: 1 / (1 + exp(-x))", NULL,
                     "logistic|expit", pointwise, NULL, init, NULL);
