/* sample_lanes.h: solves of all samples of a slice side by side (solver/lanes.h), each by steps of
 * its own, where the block and the batch allow it. To the bit they are the solves of samples.h, one
 * sample after the other, which take over where a solve gives up, and remain for all else: implicit
 * methods and steppers, given steps, kept states or dense output, adjoints on their way back,
 * random layers, devices without the operators. */
#ifndef ODEON_CORE_ODE_SAMPLE_LANES_H
#define ODEON_CORE_ODE_SAMPLE_LANES_H
#include "ode/block.h"

/* The block's pass over what ode->outputs and ode->field hold. */
typedef odeon_status (*ode_pass)(odeon_ode *ode, int32_t keep);

/* Once the block's stepper is there. */
odeon_status sample_lanes_init(odeon_ode *ode);
void sample_lanes_fini(odeon_ode *ode);

/* From here on, until called with false, layers give a sample the same bits in any company: where
 * the block's samples can be solved side by side, since they need not be in every batch. */
odeon_status sample_lanes_apart(const odeon_ode *ode, bool on);

/* The pass over all samples of the slice. *done false, with ODEON_OK: nothing has been done but to
 * the outputs, which are not complete. */
odeon_status sample_lanes_forward(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                                  ode_pass pass, bool *done);
/* The same of its reverse; the forward has left steps for it. *done false, with ODEON_OK: nothing
 * has been done, and all samples have to be solved again, one by one: a rejected step may have made
 * NaN of a sum over samples. */
odeon_status sample_lanes_backward(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass,
                                   bool *done);
/* The state that all samples began with. */
odeon_view sample_lanes_start(const odeon_ode *ode);
int64_t sample_lanes_peak_bytes(const odeon_ode *ode); /* of the last pass that was one of all */

/* ---- services of a pass under way (services.h) ---- */

odeon_status sample_lanes_solve(odeon_ode *ode, const odeon_gradient_solve *solve);
odeon_status sample_lanes_reverse(odeon_ode *ode, const odeon_gradient_reverse *reverse);

#endif
