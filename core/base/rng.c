#include "base/rng.h"

#include <math.h>

#include <Random123/philox.h>

/* Upper half of the counter while deriving keys. Streams use 0 there, so no number of a stream can
 * equal a key. */
static const uint32_t key_domain = 0x59454b5f; /* "_KEY" */

/* The 128 bits that the cipher makes of one counter. */
typedef struct block {
    uint64_t low, high;
} block;

/* Philox4x32-10 on a 64-bit key and a 128-bit counter. */
static block philox(uint64_t key, uint64_t counter_low, uint64_t counter_high)
{
    philox4x32_ctr_t c = {{(uint32_t)counter_low, (uint32_t)(counter_low >> 32),
                           (uint32_t)counter_high, (uint32_t)(counter_high >> 32)}};
    philox4x32_key_t k = {{(uint32_t)key, (uint32_t)(key >> 32)}};
    c = philox4x32(c, k);
    return (block){c.v[0] | (uint64_t)c.v[1] << 32, c.v[2] | (uint64_t)c.v[3] << 32};
}

/* FNV-1a. Its weak mixing does no harm, as the result only selects a counter of the cipher. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *p = name; *p != '\0'; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    }
    return hash;
}

/* Two ciphers in a row: the first makes a key of the seed for each name, the second one of that for
 * each pair of numbers. The upper counter of the first is key_domain, which no stream uses. */
uint64_t rng_key(uint64_t seed, const char *name, uint64_t a, uint64_t b)
{
    uint64_t named = philox(seed, hash_name(name), key_domain).low;
    return philox(named, a, b).low;
}

/* One block per number. The upper half of the block is left for rng_normal, which needs two numbers
 * of one index. */
uint64_t rng_bits(uint64_t key, uint64_t index)
{
    return philox(key, index, 0).low;
}

static double unit(uint64_t bits) /* the upper 53 bits as a number in [0, 1) */
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* A double has 53 bits of fraction, so 53 of the 64 make every multiple of 2^-53 equally likely. */
double rng_uniform(uint64_t key, uint64_t index)
{
    return unit(rng_bits(key, index));
}

/* Box-Muller transform. Only the cosine is used, so that number index depends on one block
 * alone. */
double rng_normal(uint64_t key, uint64_t index)
{
    static const double two_pi = 6.283185307179586476925;
    block x = philox(key, index, 0);
    double radius = sqrt(-2.0 * log(1.0 - unit(x.low))); /* u < 1, so log never sees 0 */
    return radius * cos(two_pi * unit(x.high));
}

/* Fisher-Yates shuffle from the end; element i uses number i of the stream. */
void rng_permutation(uint64_t key, int64_t n, int64_t *order)
{
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (int64_t i = n - 1; i > 0; i--) { /* the bias of the remainder is below n / 2^64 */
        uint64_t j = rng_bits(key, (uint64_t)i) % ((uint64_t)i + 1);
        int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
