/* batches.h: how the samples of an epoch become optimizer steps. */
#ifndef ODEON_CORE_BASE_BATCHES_H
#define ODEON_CORE_BASE_BATCHES_H
#include <stdbool.h>
#include <stdint.h>

/* How an epoch is cut: samples of the split, in a batch, and whether what is left at its end and is
 * less than a batch is left out. All positive. */
typedef struct batches {
    int64_t samples, batch;
    bool drop_last;
} batches;

int64_t batches_samples(const batches *b); /* that an epoch trains on */
int64_t batches_steps(const batches *b);   /* of an epoch */

/* Steps of the epochs before epoch (from 1) and of the first position samples of it; a position
 * that is no multiple of batch counts such that the rest of its epoch takes as many steps as it
 * does. False if position is not in an epoch or the count no 64-bit number. */
bool batches_steps_until(const batches *b, int64_t epoch, int64_t position, int64_t *out);

#endif
