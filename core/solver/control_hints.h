/* control_hints.h: what a method knows of other systems' step control (odeon/tableau.h). */
#ifndef ODEON_CORE_SOLVER_CONTROL_HINTS_H
#define ODEON_CORE_SOLVER_CONTROL_HINTS_H
#include "odeon/container.h"
#include "odeon/device_solver.h"
#include "odeon/tableau.h"

/* The list of a method's hints, which ends in NULL; never NULL itself. tableau: NULL for a method
 * that is none. */
const odeon_control_hint *const *control_hints(const odeon_tableau *tableau);

/* ODEON_ERR_PLUGIN where a hint has no name or values out of range. */
odeon_status control_hints_check(const odeon_tableau *tableau, const char *path);

/* Puts what the method says of the system that spec names, if anything, in place of spec's
 * exponents and limits, which are then the method's own and no longer per order. */
void control_hints_apply(const odeon_tableau *tableau, int32_t order, odeon_ode_spec *spec,
                         odeon_control *control);

#endif
