/* samples.h: a block whose samples are solved by themselves on their worker: each has steps, error
 * norms and, where the batch gives them, times of its own. The result of a sample is, to the bit,
 * that of a batch which has no other sample.
 *
 * Where they can be they are solved side by side (sample_lanes.h). Else one after the other: a pass
 * over a slice is the block's pass over one sample, in a loop, and around each turn the sample's
 * vectors are copied out of the slice's and back. The workers do not wait for each other.
 *
 * MEMORY. A forward that a backward follows leaves a tape for each sample, in as many solvers, with
 * the steps of that sample alone. Its frames, vectors and records are of one sample: those of small
 * states, which begin at multiples of 64 bytes, take more than their share of one tape of the slice
 * would. Each solver keeps its memory for the run, so that all together hold the sum of the most
 * that each place in the batch has needed. Without a backward one solver serves all. */
#ifndef ODEON_CORE_ODE_SAMPLES_H
#define ODEON_CORE_ODE_SAMPLES_H
#include "ode/block.h"
#include "ode/sample_lanes.h"

/* Makes the block one of these, before it has any solver. ODEON_ERR_CONFIG where a layer of its
 * body couples samples, or moves running state, which would depend on the order of the samples. */
odeon_status samples_init(odeon_ode *ode);
/* The first solver is the block's own, ode->forward, and stays. NULL samples: does nothing. */
void samples_fini(odeon_ode *ode);
/* After the block's solvers are there: REPLAY's list, of all samples or of each. */
odeon_status samples_read_replay(odeon_ode *ode, const char *path);

/* Over all samples of the slice; call is the layer's, outputs are fitted and taken. The statistics
 * of the pass are then sums over the samples. A failure names its sample. */
odeon_status samples_forward(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                             ode_pass pass);
odeon_status samples_backward(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass);

/* The steps that a sample of the last forward has tried. */
odeon_status samples_attempts(odeon_ode *ode, int64_t sample, attempt_list *out);

/* A pass begins: attempts and failures are forgotten. */
void samples_forget(odeon_ode *ode);
/* What the solvers of all samples took at their peaks, together. */
int64_t samples_peak_bytes(const odeon_ode *ode);

#endif
