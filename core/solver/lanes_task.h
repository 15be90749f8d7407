/* lanes_task.h: what a solve of rows which step by themselves is asked for. */
#ifndef ODEON_CORE_SOLVER_LANES_TASK_H
#define ODEON_CORE_SOLVER_LANES_TASK_H
#include <stdbool.h>

#include "solver/host_field.h"

/* The field of some rows of a batch, which are told each by itself: times are F64 [n]. */
typedef struct lanes_field {
    void *self;
    /* The field of n rows, of which entry i is row[i] of the batch; row NULL: i. *out holds until
     * the next call. */
    odeon_status (*fit)(void *self, int64_t n, const int32_t *row, const host_field **out);
} lanes_field;

/* All of it is the caller's; times and y until the reverse. */
typedef struct lanes_task {
    lanes_field field;
    int64_t rows, width;
    int32_t n_times;
    bool keep;             /* a reverse will follow */
    const double *times;   /* [n_times], of all rows */
    const double *own;     /* [rows, n_times] of each, or NULL */
    const odeon_tensor *y; /* [n_times] of [rows * width]: the first holds the start, the others are
                              written; the last may be the first */
} lanes_task;

#endif
