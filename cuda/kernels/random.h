/* random.h: what follows random numbers: noise, dropout, windows of images. */
#ifndef ODEON_CUDA_KERNELS_RANDOM_H
#define ODEON_CUDA_KERNELS_RANDOM_H
#include "moving.h"
#define ODEON_KIT KERNEL_FN
#include "odeon/kit/philox.h"

typedef struct dropout_args {
    const void *x;
    void *y;
    int64_t count, first;
    uint64_t key;
    double p;
} dropout_args;

typedef struct noise_args {
    void *y;
    int64_t count, first;
    uint64_t key;
    int32_t id, reserved0;
} noise_args;

/* image[B,C,H,W], window[B,C,P,Q]: to, the one, is written from the other. */
typedef struct window_args {
    const void *from;
    void *to;
    int64_t B, C, H, W, P, Q, first_sample;
    uint64_t key;
    odeon_window_geometry geometry;
} window_args;

KERNEL_FN odeon_kit_window_place window_place_of(const window_args *a, int64_t b)
{
    return odeon_kit_window(&a->geometry, a->key, (uint64_t)(a->first_sample + b), a->H - a->P,
                            a->W - a->Q);
}

#endif
