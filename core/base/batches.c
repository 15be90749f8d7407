#include "base/batches.h"

#include "base/mem.h"

/* ceil(samples / batch), without the overflow of samples + batch - 1. */
static int64_t divide_up(int64_t samples, int64_t batch)
{
    return samples / batch + (samples % batch != 0);
}

/* A last, smaller batch that is dropped takes its samples out of the epoch. */
int64_t batches_samples(const batches *b)
{
    return b->drop_last ? b->samples - b->samples % b->batch : b->samples;
}

/* Where the smaller batch is dropped, the division leaves nothing to round. */
int64_t batches_steps(const batches *b)
{
    return divide_up(batches_samples(b), b->batch);
}

/* The steps inside the epoch are those of the epoch less those still to come. A run resumed at a
 * position that is no multiple of batch then counts the same total as an uninterrupted one. */
bool batches_steps_until(const batches *b, int64_t epoch, int64_t position, int64_t *out)
{
    int64_t used = batches_samples(b), before = 0;
    if (epoch < 1 || position < 0 || position > used ||
        !checked_mul(epoch - 1, batches_steps(b), &before)) {
        return false;
    }
    int64_t within = batches_steps(b) - divide_up(used - position, b->batch);
    return checked_add(before, within, out);
}
