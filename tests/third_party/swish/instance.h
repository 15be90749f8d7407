/* instance.h: an instance of the layer, or of one of its kernels. */
#ifndef SWISH_INSTANCE_H
#define SWISH_INSTANCE_H
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct swish {
    ODEON_INSTANCE;
    double beta; /* an option of `swish`, which its kernels have as well */
} swish;

/* swish_cuda.c: its kernel for the device cuda. */
extern const odeon_layer_ops swish_cuda_ops;

#endif
