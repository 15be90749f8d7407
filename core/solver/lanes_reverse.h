/* lanes_reverse.h: the exact reverse of a solve of lanes.h, step sizes held fixed: reverse.h for
 * every row by its own steps, last round first. Cotangents of rows have the bits of their own
 * reverse; parameters' gradients are summed over the rows of a call, and so in another order. */
#ifndef ODEON_CORE_SOLVER_LANES_REVERSE_H
#define ODEON_CORE_SOLVER_LANES_REVERSE_H
#include "solver/lanes.h"

/* Accepted steps of the row that has most of them. */
int64_t lanes_most_steps(const lanes *l);
/* Has the tape steps that were rejected? Their cotangents are 0; where a layer has overflowed in
 * one, although it came to a finite error, 0 times infinity makes NaN of parameters' gradients. */
bool lanes_has_rejected(const lanes *l);
/* d_y: [n_times] of the solve, data NULL is zero. Uses the tape up. */
odeon_status lanes_reverse_steps(lanes *l, const odeon_view *d_y);
/* What they have left for the start: d_y0 [rows * width], written; d_y is the same. */
odeon_status lanes_reverse_start(lanes *l, const odeon_view *d_y, const odeon_tensor *d_y0);

#endif
