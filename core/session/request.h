/* request.h: a batch as all workers are asked for it, with the answers of the first. */
#ifndef ODEON_CORE_SESSION_REQUEST_H
#define ODEON_CORE_SESSION_REQUEST_H
#include <stdbool.h>

#include "data/device_cache.h"
#include "odeon/loss.h"
#include "session/result.h"

/* What is done with a batch:
 *
 *                 mode of the layers   loss   backward   update
 *   TRAIN         training             yes    yes        yes
 *   SEARCH        training             yes    yes        -         by an optimizer that searches
 *   REPEAT        training             yes    yes        -         a failed step, once more
 *   DIFFERENTIATE training             yes    yes        -         output and d_x are given back
 *   EVALUATE      evaluation           yes    -          -
 *   PREDICT       evaluation           -      -          -         output is given back */
typedef enum batch_mode {
    BATCH_TRAIN = 0,
    BATCH_EVALUATE = 1,
    BATCH_DIFFERENTIATE = 2,
    BATCH_REPEAT = 3,
    BATCH_PREDICT = 4,
    BATCH_SEARCH = 5
} batch_mode;

static inline bool batch_trains(batch_mode mode)
{
    return mode != BATCH_EVALUATE && mode != BATCH_PREDICT;
}

/* Samples of a batch to come, to be read while the one before is worked on. */
typedef struct expected_batch {
    const data_source *source; /* NULL: nothing is expected */
    int64_t n;
    const int64_t *indices; /* [n] */
} expected_batch;

/* Every worker takes its slice of it (slice.h). Arrays have all n samples. */
typedef struct batch {
    batch_mode mode;
    int64_t n;

    /* The samples: indices [n] of source, or, with source NULL, arrays in the caller's memory. */
    const data_source *source;
    const int64_t *indices;
    const device_cache *samples; /* of source, on the device; or NULL */
    expected_batch next;         /* what is to be read ahead */
    /* [n, ...] by ODEON_ROLE_*: the input as the network takes it, behind the transforms. In its
     * stead the input may be stored, as the data set stores it, or values, the numbers that this
     * stands for; both pass the transforms. */
    const double *given[DATA_ROLES];
    const void *stored;
    const double *values;

    /* A part of a step, parts of which add their gradients up: number part of parts, which begins
     * with sample offset of the step and has share of its samples. parts 0: the batch is the step.
     */
    int64_t part, parts, offset;
    double share;

    bool trial; /* a failure of numbers is an answer, of which nothing is kept */

    int64_t epoch, step; /* key of the random numbers; step is the optimizer's too */
    double lr_factor;

    double *output, *d_x; /* where to give them back, [n, ...]; NULL: not wanted */
    double *labels_out;

    /* Answers, written by rank 0. */
    double loss, metrics[ODEON_MAX_METRICS], counted, loss_counted, grad_norm;
    session_seconds seconds;
} batch;

#endif
