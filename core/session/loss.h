/* loss.h: the losses of one worker: whether they fit, what they make of a slice's output, and what
 * that says of the whole batch. */
#ifndef ODEON_CORE_SESSION_LOSS_H
#define ODEON_CORE_SESSION_LOSS_H
#include "session/request.h"
#include "session/worker.h"

/* Makes instances of the losses and checks them against network and data set. The first worker's
 * say what the model's metrics are. */
odeon_status losses_make(worker *w);
void losses_destroy(worker *w);

/* Calls all losses on this slice's output [n, ...]: their sums go to readings_sums, and dL/doutput
 * [n, ...] of all together to d_output unless it is NULL. */
odeon_status losses_eval(worker *w, const odeon_tensor *output, const odeon_tensor *d_output);

/* From the sums of all workers as they were read: loss and metrics of the whole batch, the same
 * bits on every worker, into b by rank 0. ODEON_ERR_NUMERIC if the loss is not finite. */
odeon_status losses_judge(const worker *w, batch *b);

#endif
