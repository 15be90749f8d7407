/* lanes_reverse.h: the exact reverse of a solve of lanes.h, step sizes held fixed: reverse.h for
 * every row by its own steps, last round first. Cotangents of rows have the bits of their own
 * reverse; parameters' gradients are summed over the rows of a call, and so in another order. */
#ifndef ODEON_CORE_SOLVER_LANES_REVERSE_H
#define ODEON_CORE_SOLVER_LANES_REVERSE_H
#include "solver/lanes.h"

/* Accepted steps of the row that has most of them. */
int64_t lanes_most_steps(const lanes *l);
/* d_y: [n_times] of the solve, data NULL is zero. d_y0: [rows * width], written. Uses the tape up.
 */
odeon_status lanes_reverse(lanes *l, const odeon_view *d_y, const odeon_tensor *d_y0);

#endif
