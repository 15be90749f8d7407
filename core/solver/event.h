/* event.h: a solve that ends early, where a function of its state crosses zero. */
#ifndef ODEON_CORE_SOLVER_EVENT_H
#define ODEON_CORE_SOLVER_EVENT_H
#include "solver/state.h"
#include "solver/stepper.h"
#include "solver/watch.h"

/* After a step from t by *h to *t_end that is to be accepted, its registers still bound. Where the
 * function has crossed within it, the step is made again, shorter, until it ends at the crossing:
 * *h and *t_end are then of that step, the times and outputs of the solve end with it, and watch
 * says so. A crossing at the solve's last time, or behind it, is none; slots T and H are then as
 * they were, next_h being the latter. Of a solve without a watch it does nothing.
 * ODEON_ERR_NUMERIC where the function is not a number. */
odeon_status event_cut(solver *s, const program *p, double t, double *h, double *t_end,
                       double next_h);
/* Has the solve under way ended so? */
bool event_has_cut(const solver *s);

#endif
