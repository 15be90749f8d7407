/* adaptive.h: steps chosen by their error. */
#ifndef ODEON_CORE_SOLVER_ADAPTIVE_H
#define ODEON_CORE_SOLVER_ADAPTIVE_H
#include "solver/state.h"

/* From what is bound to Y0 through all times: by the device alone where that is possible, else step
 * by step. ODEON_ERR_NUMERIC where the step size underflows or the pass exceeds spec->max_steps. */
odeon_status adaptive_solve(solver *s);

#endif
