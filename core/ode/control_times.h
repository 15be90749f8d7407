/* control_times.h: does the control that a block's layers read reach as far as its solve? */
#ifndef ODEON_CORE_ODE_CONTROL_TIMES_H
#define ODEON_CORE_ODE_CONTROL_TIMES_H
#include "ode/block.h"

/* Warns, once a block, where the block has times of its own and those of a sample's control end
 * within them; by the first worker, of the samples of its slice. */
void control_times_check(odeon_ode *ode, const odeon_layer_call *call, int64_t samples);

#endif
