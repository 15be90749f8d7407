/* services.h: the services that an ODE block offers to its gradient method. */
#ifndef ODEON_CORE_ODE_SERVICES_H
#define ODEON_CORE_ODE_SERVICES_H
#include "ode/block.h"

odeon_solve_services ode_solve_services(odeon_ode *ode);

/* ||y - y0|| / ||y0|| over all workers, into the block's measures: a collective. Vectors are of the
 * block's state. */
odeon_status ode_measure_share(odeon_ode *ode, const odeon_view *y, const odeon_view *y0);

/* Did its last forward and backward measure something that is still on the device? */
bool ode_is_measured(const odeon_ode *ode);
/* Takes what was measured, as it was read, into the counters. */
void ode_take_measures(odeon_ode *ode, const double *measured);

#endif
