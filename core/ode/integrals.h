/* integrals.h: integrals along the path of a block, as losses see them. */
#ifndef ODEON_CORE_ODE_INTEGRALS_H
#define ODEON_CORE_ODE_INTEGRALS_H
#include "ode/block.h"

/* May the block have those that its body declares? After its integrator is there. */
odeon_status ode_check_integrals(const odeon_ode *ode);

/* Integrals along the path of the last forward. The index of "PATH.NAME", or -1 if it is none of
 * this block's. */
int32_t ode_find_integral(const odeon_ode *ode, const char *name);
odeon_view ode_integral(const odeon_ode *ode, int32_t i);             /* [B] */
odeon_tensor ode_integral_cotangent(const odeon_ode *ode, int32_t i); /* for the next backward */
odeon_status ode_clear_integral_cotangents(const odeon_ode *ode);

#endif
