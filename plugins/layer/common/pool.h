/* pool.h: pooling layers: x [B,C,H,W] -> y [B,C,P,Q] with P = (H + 2 padding - kernel) / stride + 1
 * rounded down, Q likewise. No parameters. */
#ifndef ODEON_LAYER_POOL_H
#define ODEON_LAYER_POOL_H
#include "odeon/host.h"
#include "odeon/layer.h"

/* kernel, stride, padding; ends with NULL. */
extern const odeon_option *const pool_options[];
extern const odeon_layer_ops pool_ops;

/* For the slots create and destroy. id names the layer in messages; kind is ODEON_POOL_. */
odeon_status pool_create(const odeon_host *host, const odeon_config *config, const char *id,
                         int32_t kind, void **out);
void pool_destroy(void *self);

#endif
