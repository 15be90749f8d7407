/* failed_batch.h: a batch with all that its numbers depend on beside the parameters, so that it can
 * be run again in another process. */
#ifndef ODEON_CORE_SESSION_FAILED_BATCH_H
#define ODEON_CORE_SESSION_FAILED_BATCH_H
#include <stdbool.h>

#include "config/config.h"
#include "data/data.h"

typedef struct session_batch {
    bool training; /* differentiated in training mode; else evaluated */
    int64_t n, epoch, step;
    int64_t offset; /* sample of the step that it begins with, of a part of one; else 0 */
    /* By ODEON_ROLE_*: [n, ...], or NULL where the data set has no such field; the input is the
     * network's. The run's dtype holds all but times exactly. */
    double *field[DATA_ROLES];
    /* Of the keys that followed a schedule in it, in the order of the configuration's curves. */
    size_t n_factors;
    double factors[CONFIG_MAX_CURVES];
    int64_t *indices; /* [n], of the samples in the data set; NULL: not known */
} session_batch;
void session_batch_fini(session_batch *b);

#endif
