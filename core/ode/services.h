/* services.h: the services that an ODE block offers to its gradient method. */
#ifndef ODEON_CORE_ODE_SERVICES_H
#define ODEON_CORE_ODE_SERVICES_H
#include "ode/ode.h"

odeon_solve_services ode_solve_services(odeon_ode *ode);

/* ||y - y0|| / ||y0|| over all workers, into the block's measures: a collective. Vectors are of the
 * block's state. */
odeon_status ode_measure_share(odeon_ode *ode, const odeon_tensor *y, const odeon_tensor *y0);

#endif
