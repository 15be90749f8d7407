/* batches.h: how the samples of an epoch become optimizer steps. */
#ifndef ODEON_CORE_BASE_BATCHES_H
#define ODEON_CORE_BASE_BATCHES_H
#include <stdbool.h>
#include <stdint.h>

/* How an epoch is divided: samples in the split, samples in a batch (both positive), and whether a
 * last, smaller batch is dropped. */
typedef struct batches {
    int64_t samples, batch;
    bool drop_last;
} batches;

int64_t batches_samples(const batches *b); /* samples that an epoch trains on */
int64_t batches_steps(const batches *b);   /* optimizer steps in an epoch */

/* Optimizer steps taken when training has reached sample position of epoch (counted from 1). A
 * position that is no multiple of batch is rounded such that the rest of the epoch still takes the
 * steps that it needs. False if position lies outside an epoch or the count overflows int64_t. */
bool batches_steps_until(const batches *b, int64_t epoch, int64_t position, int64_t *out);

#endif
