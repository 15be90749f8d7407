/* judge.h: the end of a trial step that the device judges alone: its error, whether it is accepted,
 * the next step. */
#ifndef ODEON_CORE_SOLVER_JUDGE_H
#define ODEON_CORE_SOLVER_JUDGE_H
#include "solver/state.h"

/* Does the device do it at once, and leave stage times of the step that it proposes? */
bool judge_is_at_once(const solver *s);
/* Errors, control and, at once, the times of p's next step. Nothing may change slot STOP behind it
 * in the same pass of a recorded loop. */
odeon_status judge_step(solver *s, const program *p, const odeon_control *control);
/* step_back as the last call of a pass. */
odeon_status judge_step_back(const solver *s);

#endif
