/* pointwise.h: layers y = f(x), element by element, for functions that a device can fuse into an
 * epilogue. Any shape; no parameters. The vjp needs only y, so x need not be kept. */
#ifndef ODEON_LAYER_POINTWISE_H
#define ODEON_LAYER_POINTWISE_H
#include "odeon/device_pointwise.h"
#include "odeon/host.h"
#include "odeon/layer.h"

typedef struct pointwise {
    ODEON_INSTANCE;
    int32_t act; /* a unary id up to ODEON_UNARY_LAST_EPILOGUE; set by init */
    int32_t reserved0;
} pointwise;

extern const odeon_layer_ops pointwise_ops;

#endif
