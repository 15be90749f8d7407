/* moving.h: filling, copying and casting; sums of rows and of what blocks have summed up. */
#ifndef ODEON_CUDA_KERNELS_MOVING_H
#define ODEON_CUDA_KERNELS_MOVING_H
#include "../kernel.h"

typedef struct fill_args {
    void *y;
    int64_t count;
    odeon_scalar value;
    const double *slots;
} fill_args;

#endif
