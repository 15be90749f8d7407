/* pointwise.h: layers y = f(x), element by element, for functions that a device can fuse into an
 * epilogue. Any shape; no parameters. The vjp needs only y, so x need not be kept. */
#ifndef ODEON_LAYER_POINTWISE_H
#define ODEON_LAYER_POINTWISE_H
#include "odeon/host.h"
#include "odeon/layer.h"

extern const odeon_layer_ops pointwise_ops;

/* For the slots create and destroy. act: a unary id up to ODEON_UNARY_LAST_EPILOGUE. */
odeon_status pointwise_create(const odeon_host *host, int32_t act, void **out);
void pointwise_destroy(void *self);

#endif
