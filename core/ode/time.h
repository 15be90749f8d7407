/* time.h: is time fine enough for the layers that read it? */
#ifndef ODEON_CORE_ODE_TIME_H
#define ODEON_CORE_ODE_TIME_H
#include "ode/block.h"

/* Finds the layer of the block's body, or of what is nested in it, that rounds t to its dtype, if
 * there is one. Once, when the block is made. */
void ode_time_init(odeon_ode *ode);

/* Warns, once a block, where two times that this dtype tells apart lie further apart than a
 * thousandth of the span from t0 to t1, or of h, a step (0: not known). */
void ode_time_check(odeon_ode *ode, double t0, double t1, double h);

/* The same for times and steps that are known before any solve. */
void ode_time_check_spec(odeon_ode *ode);

#endif
