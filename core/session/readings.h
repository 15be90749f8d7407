/* readings.h: the numbers that the host reads of a batch. They lie side by side on the device, so
 * that one download, and one wait, brings them all. */
#ifndef ODEON_CORE_SESSION_READINGS_H
#define ODEON_CORE_SESSION_READINGS_H
#include "session/worker.h"

odeon_status readings_init(worker *w); /* once all ODE blocks and losses are there */
void readings_fini(worker *w);

/* Where the losses write their sums: float64 [n_sums] on the device, which the workers add up. */
odeon_tensor readings_sums(const worker *w);
/* Has the squares of the gradient of all workers summed on the device. */
odeon_status readings_square_gradient(const worker *w);

/* Reads all and waits. What ODE blocks measured goes to them, the rest to the two below. */
odeon_status readings_read(worker *w);
/* Reads what ODE blocks measured, where they did, and nothing else. */
odeon_status readings_read_measures(worker *w);
const double *readings_read_sums(const worker *w); /* [n_sums] */
double readings_gradient_norm(const worker *w);

#endif
