/* device_solve.h: adaptive solves that the device carries out alone.
 *
 * What steers a solve lies in slots, so the host need not read it step by step. Where the device
 * captures calls, the start of a solve and one trial step in a loop are recorded once and replayed
 * from then on, for whatever times and states; the host reads slots and a log of the trials once,
 * at the end, and its log is then as after a solve step by step:
 *
 *   copy y[0], start, first step; then, while STOP is 0: the verbs of a step, error sums, a row of
 *   the step, step_control, and select, which accepts: Y1 and carry out are copied to where Y0 and
 *   carry in are.
 *
 * On a device without loops a recording holds a few trial steps, and the host polls after each.
 *
 * Whatever is not a success on the device (a failure, more steps than there are rows) has written
 * no output, and is done again step by step: that is where failures are found and named. */
#ifndef ODEON_CORE_SOLVER_DEVICE_SOLVE_H
#define ODEON_CORE_SOLVER_DEVICE_SOLVE_H
#include "solver/state.h"

/* Solves as a solve step by step would, from y[0] by s->control. *solved false: nothing has been
 * done that can be seen, and a solve step by step is to follow. */
odeon_status device_solve(solver *s, bool *solved);
/* After a solve step by step that succeeded: memory that the next one needs in order to be
 * captured. Where there is none left, it will not be. Allocates. */
void device_solve_prepare(solver *s);

#endif
