/* philox.h: the numbers that the operators of device_random.h draw, for devices to call from
 * these operators: one source for all draws equal numbers on all of them, to the bit. Nothing here
 * allocates or fails. In the common subset of C11 and C++11.
 *
 * Functions are static inline. A device that compiles kernels of its own defines ODEON_KIT before
 * the include, in CUDA as static __device__.
 *
 * Example, element i of a dropout:
 *   y[i] = odeon_kit_uniform(odeon_kit_philox(call->key, call->first + i)) >= call->p ? ... : 0;
 * [any; evaluation] throughout. Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3,
 * 2011, section 3.3.
 *
 * Draft. To be frozen with device_random.h. */
#ifndef ODEON_KIT_PHILOX_H
#define ODEON_KIT_PHILOX_H
#include <math.h>

#include "odeon/device_random.h"

#ifndef ODEON_KIT
#define ODEON_KIT static inline
#endif

/* Final. What the cipher makes of one counter: v[0] to v[3] of device_random.h. Four fields, since
 * compilers vectorize loops over them more readily than over an array. */
typedef struct odeon_kit_words {
    uint32_t v0, v1, v2, v3;
} odeon_kit_words;

/* The words for an index: ten rounds, between which the key is advanced by Weyl constants. The
 * upper half of the counter is 0. */
ODEON_KIT odeon_kit_words odeon_kit_philox(uint64_t key, uint64_t index)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    odeon_kit_words x = {(uint32_t)index, (uint32_t)(index >> 32), 0, 0};
    for (int32_t round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x.v0, b = (uint64_t)0xCD9E8D57u * x.v2;
        x.v0 = (uint32_t)(b >> 32) ^ x.v1 ^ k0;
        x.v1 = (uint32_t)b;
        x.v2 = (uint32_t)(a >> 32) ^ x.v3 ^ k1;
        x.v3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

/* The upper 53 bits of v1 : v0. */
ODEON_KIT uint64_t odeon_kit_bits53(odeon_kit_words x)
{
    return ((uint64_t)x.v1 << 32 | x.v0) >> 11;
}

/* The same as a number in [0, 1). */
ODEON_KIT double odeon_kit_uniform(odeon_kit_words x)
{
    return (double)odeon_kit_bits53(x) * (1.0 / 9007199254740992.0); /* 2^-53 */
}

/* What noise of an id draws. */
ODEON_KIT double odeon_kit_noise(int32_t id, odeon_kit_words x)
{
    double u = odeon_kit_uniform(x);
    odeon_kit_words second = {x.v2, x.v3, 0, 0};
    if (id == ODEON_NOISE_UNIFORM) {
        return u;
    }
    if (id == ODEON_NOISE_SIGN) {
        return u < 0.5 ? -1.0 : 1.0;
    }
    return sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586 * odeon_kit_uniform(second));
}

/* Final. Element [b,c,p,q] of a window is element [b,c,top + p,left + q] of the image, or
 * [b,c,top + p,left + Q - 1 - q] where it is mirrored; outside of the image lies padding. */
typedef struct odeon_kit_window_place {
    int64_t top, left;
    int32_t mirrored, reserved0;
} odeon_kit_window_place;

/* One of n places by chance, floor(word n / 2^32), or the middle one. */
ODEON_KIT int64_t odeon_kit_choose_(int32_t random, uint32_t word, int64_t n)
{
    return random ? (int64_t)((uint64_t)word * (uint64_t)n >> 32) : (n - 1) / 2;
}

/* Where the window of a sample lies in its image, which has rows and columns more than it. */
ODEON_KIT odeon_kit_window_place odeon_kit_window(const odeon_window_geometry *g, uint64_t key,
                                                  uint64_t sample, int64_t rows, int64_t columns)
{
    int64_t places = 2 * (int64_t)g->padding + 1;
    odeon_kit_words x = odeon_kit_philox(key, sample);
    odeon_kit_window_place at = {
        odeon_kit_choose_(g->random, x.v0, rows + places) - g->padding,
        odeon_kit_choose_(g->random, x.v1, columns + places) - g->padding,
        (double)x.v2 * (1.0 / 4294967296.0) < g->flip_probability, /* 2^-32 */
        0,
    };
    return at;
}

#endif
