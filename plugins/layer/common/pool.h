/* pool.h: pooling layers: x [B,C,H,W] -> y [B,C,P,Q] with P = (H + 2 padding - kernel) / stride + 1
 * rounded down, Q likewise. No parameters. */
#ifndef ODEON_LAYER_POOL_H
#define ODEON_LAYER_POOL_H
#include "odeon/device_pool.h"
#include "odeon/host.h"
#include "odeon/layer.h"
#include "window.h"

/* geometry repeats window in the form that the device takes. */
typedef struct pool {
    ODEON_INSTANCE;
    window window;
    const char *id;
    odeon_pool_geometry geometry;
} pool;

/* kernel, stride, padding; ends with NULL. */
extern const odeon_option *const pool_options[];
extern const odeon_layer_ops pool_ops;

/* For the slot init. id names the layer in messages; kind is ODEON_POOL_. */
odeon_status pool_init(pool *layer, const char *id, int32_t kind);

#endif
