/* verb_scalar.h: what the coefficients of a step are worth: numbers, the step's size in its slot,
 * and scalars that the host computes of this step's size and the last one's. */
#ifndef ODEON_CORE_SOLVER_VERB_SCALAR_H
#define ODEON_CORE_SOLVER_VERB_SCALAR_H
#include "odeon/device_solver.h"
#include "solver/state.h"

/* The scalars of a step by s->step.h, after one by s->step.h_prev. Before its verbs, forward and in
 * reverse. */
void verb_scalars(solver *s, const program *p);

/* alpha + beta h with h in its slot, so that a recording holds for any size of step; or a number.
 */
odeon_scalar term_coefficient(const solver *s, const program_term *term);
/* The same as a number, of a step by h, whatever the slot holds by now. */
double term_value(const solver *s, const program_term *term, double h);
/* A term 1 x, without a share of h. */
bool term_is_plain(const program_term *term);

/* An implicit verb whose g is gamma h, as implicit.h solves it, of a step by h. */
verb verb_in_h(const solver *s, const verb *w, double h);

#endif
