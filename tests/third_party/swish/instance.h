/* instance.h: an instance of the layer, or of one of its kernels: the options of `swish`. */
#ifndef SWISH_INSTANCE_H
#define SWISH_INSTANCE_H
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct swish {
    const odeon_host *host;
    double beta;
} swish;

odeon_status swish_create(const odeon_host *host, const odeon_config *config, void **out);
void swish_destroy(void *self);

/* swish_cuda.c: its kernel for the device cuda. */
extern const odeon_layer_ops swish_cuda_ops;

#endif
