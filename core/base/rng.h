/* rng.h: counter-based random numbers: any number of any stream without the ones before it.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011 (Philox4x32-10). */
#ifndef ODEON_CORE_BASE_RNG_H
#define ODEON_CORE_BASE_RNG_H
#include <stdint.h>

/* A key from a seed and a name ("init:ode.block.weight", "order"), and from numbers such as epoch
 * and batch; the same everywhere, for ever. */
uint64_t rng_key(uint64_t seed, const char *name, uint64_t a, uint64_t b);

/* Number index of the stream key: 64 random bits; uniform on [0, 1) with 53 bits; a standard normal
 * (Box-Muller). Those three of one key and index are made of the same bits. */
uint64_t rng_bits(uint64_t key, uint64_t index);
double rng_uniform(uint64_t key, uint64_t index);
double rng_normal(uint64_t key, uint64_t index);

/* Fills order with a random permutation of 0 .. n-1 (Fisher-Yates). */
void rng_permutation(uint64_t key, int64_t n, int64_t *order);

#endif
