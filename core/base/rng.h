/* rng.h: counter-based random numbers: any number of any stream can be computed without those
 * before it, so results do not depend on the number of threads. Source: Salmon et al., Parallel
 * random numbers: as easy as 1, 2, 3, 2011 (Philox4x32-10). */
#ifndef ODEON_CORE_BASE_RNG_H
#define ODEON_CORE_BASE_RNG_H
#include <stdint.h>

/* Derives a key from a seed, a name ("init:ode.block.weight", "order") and two numbers such as
 * epoch and batch. Must never change, or runs could not be repeated. */
uint64_t rng_key(uint64_t seed, const char *name, uint64_t a, uint64_t b);

/* Number index of the stream key: 64 random bits; uniform on [0, 1) with 53 bits; standard normal.
 * For equal key and index all three are made from the same bits. */
uint64_t rng_bits(uint64_t key, uint64_t index);
double rng_uniform(uint64_t key, uint64_t index);
double rng_normal(uint64_t key, uint64_t index);

/* Fills order with a random permutation of 0 .. n-1 (Fisher-Yates). */
void rng_permutation(uint64_t key, int64_t n, int64_t *order);

#endif
