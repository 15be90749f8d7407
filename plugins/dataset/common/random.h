/* random.h: counter-based random numbers for data sets: number index of a stream under a seed. Must
 * never change, or runs could not be repeated. Source: Salmon et al., Parallel random numbers: as
 * easy as 1, 2, 3, 2011 (Philox4x32-10). */
#ifndef ODEON_DATASET_COMMON_RANDOM_H
#define ODEON_DATASET_COMMON_RANDOM_H
#include <stdint.h>

uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index);
double random_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* in [0, 1), 53 bits */
double random_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* Box-Muller */

/* Fills order with a random permutation of 0 .. n-1 (Fisher-Yates). */
void random_permutation(uint64_t seed, uint64_t stream, int64_t n, int64_t *order);

#endif
