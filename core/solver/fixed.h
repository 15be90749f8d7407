/* fixed.h: steps known beforehand: equal ones, those of a grid, a recorded list. */
#ifndef ODEON_CORE_SOLVER_FIXED_H
#define ODEON_CORE_SOLVER_FIXED_H
#include "solver/state.h"

/* From what is bound to Y0 through all times. A step that a layer cannot be evaluated in is
 * ODEON_ERR_NUMERIC; a list that does not fit the times is ODEON_ERR_DATA. */
odeon_status fixed_solve(solver *s);

#endif
