/* stretch.h: stretches of the last solve: makes kept steps again, with frames, and takes cotangents
 * back through them; and reads the solution within kept steps. */
#ifndef ODEON_CORE_SOLVER_STRETCH_H
#define ODEON_CORE_SOLVER_STRETCH_H
#include "solver/state.h"

/* Steps [first, last) of a solve that kept a state of first: their frames are then the tape. */
odeon_status stretch_replay(solver *s, int64_t first, int64_t last);

/* The reverse of the steps from first on, of those that the tape has; first is not before them.
 * d_end NULL: what the reverse before has left. d_start NULL: not wanted. task.d_y is set. */
odeon_status stretch_reverse(solver *s, int64_t first, const odeon_view *d_end,
                             const odeon_tensor *d_start);

/* y(t) by the dense output of the kept step in which t lies, or of the one next to it. */
odeon_status stretch_dense(const solver *s, double t, const odeon_tensor *y);

#endif
