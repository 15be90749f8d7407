/* slice.h: a worker's part of a batch, and of the arrays that the caller gets back. */
#ifndef ODEON_CORE_SESSION_SLICE_H
#define ODEON_CORE_SESSION_SLICE_H
#include "session/worker.h"

/* Of n samples, the first of this worker's slice and how many there are, perhaps none. Slices of
 * all workers, in the order of their ranks, are the batch; they differ by at most one sample. */
int64_t worker_slice(const worker *w, int64_t n, int64_t *count);

/* Gives the caller this slice's part of an array [n, ...] as double, from sample first on. out NULL
 * is nothing to do. Waits. */
odeon_status worker_give_back(worker *w, const odeon_tensor *x, int64_t first, double *out);

#endif
