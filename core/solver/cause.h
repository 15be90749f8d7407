/* cause.h: why an adaptive solve cannot go on, in words. What a worker sees in its own slice
 * is put together with what the others see, so that all say the same. */
#ifndef ODEON_CORE_SOLVER_CAUSE_H
#define ODEON_CORE_SOLVER_CAUSE_H
#include "solver/solver.h"

/* No step is small enough, or none can be chosen, from t on; h and error are of the last one.
 * A collective. */
odeon_status solver_fail_underflow(solver *s, double t, double h, double error);

/* There were spec->max_steps steps; h is the one that would come next. A collective. */
odeon_status solver_fail_max_steps(solver *s, double t, double h, double error);

#endif
