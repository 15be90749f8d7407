/* random.h: Philox4x32-10, and what follows its numbers: dropout, windows of images. */
#ifndef ODEON_CUDA_KERNELS_RANDOM_H
#define ODEON_CUDA_KERNELS_RANDOM_H
#include "moving.h"
#include "odeon/device_random.h"

typedef struct dropout_args {
    const void *x;
    void *y;
    int64_t count, first;
    uint64_t key;
    double p;
} dropout_args;

/* image[B,C,H,W], window[B,C,P,Q]: to, the one, is written from the other. */
typedef struct window_args {
    const void *from;
    void *to;
    int64_t B, C, H, W, P, Q, first_sample;
    uint64_t key;
    odeon_window_geometry geometry;
} window_args;

typedef struct philox_words {
    uint32_t v[4];
} philox_words;

/* The words for an index (device_random.h). Source: Salmon et al., Parallel random numbers: as easy
 * as 1, 2, 3, 2011. */
KERNEL_FN philox_words philox(uint64_t key, uint64_t index)
{
    philox_words x = {{(uint32_t)index, (uint32_t)(index >> 32), 0, 0}};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int32_t round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x.v[0], b = (uint64_t)0xCD9E8D57u * x.v[2];
        philox_words next = {{(uint32_t)(b >> 32) ^ x.v[1] ^ k0, (uint32_t)b,
                              (uint32_t)(a >> 32) ^ x.v[3] ^ k1, (uint32_t)a}};
        x = next;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

/* In [0, 1). */
KERNEL_FN double philox_uniform(uint64_t key, uint64_t index)
{
    philox_words x = philox(key, index);
    uint64_t bits = x.v[0] | (uint64_t)x.v[1] << 32;
    return (double)(bits >> 11) * (1.0 / 9007199254740992.0); /* 2^-53 */
}

/* Element [b,c,p,q] of a window is element [b,c,top + p,left + q] of the image, or [..,left + Q - 1
 * - q] where it is mirrored; outside of the image lies padding. */
typedef struct window_place {
    int64_t top, left;
    int32_t mirrored;
} window_place;

/* One of n by chance, or the middle one. */
KERNEL_FN int64_t window_choose(int32_t random, uint32_t word, int64_t n)
{
    return random ? (int64_t)((uint64_t)word * (uint64_t)n >> 32) : (n - 1) / 2;
}

KERNEL_FN window_place window_place_of(const window_args *a, int64_t b)
{
    const odeon_window_geometry *g = &a->geometry;
    int64_t room = 2 * (int64_t)g->padding + 1;
    philox_words drawn = philox(a->key, (uint64_t)(a->first_sample + b));
    window_place at = {
        window_choose(g->random, drawn.v[0], a->H - a->P + room) - g->padding,
        window_choose(g->random, drawn.v[1], a->W - a->Q + room) - g->padding,
        (double)drawn.v[2] * (1.0 / 4294967296.0) < g->flip_probability, /* 2^-32 */
    };
    return at;
}

#endif
