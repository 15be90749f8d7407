/* failure.h: why a solve cannot go on, in words. What a worker finds in its own slice is put
 * together with what the others find, so that all say the same. */
#ifndef ODEON_CORE_SOLVER_FAILURE_H
#define ODEON_CORE_SOLVER_FAILURE_H
#include "solver/state.h"

/* A numerical failure, ODEON_ERR_NUMERIC: what is wrong, where in the solve (h and error: NAN where
 * there is none), what a layer has said about it, and what may help. */
odeon_status solve_fail(const solver *s, double t, double h, double error, const char *what,
                        const char *remedy);

/* No step is small enough, or none can be chosen, from t on; h and error are of the last one. A
 * collective. */
odeon_status fail_underflow(solver *s, double t, double h, double error);

/* There were spec->max_steps steps; h is the one that would come next. A collective. */
odeon_status fail_max_steps(solver *s, double t, double h, double error);

#endif
