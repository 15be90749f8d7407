/* host_side.h: what implicit stages have to do with the device: vectors to the host and back, and
 * evaluations of the terms that are implicit, with their vjps. */
#ifndef ODEON_CORE_SOLVER_HOST_SIDE_H
#define ODEON_CORE_SOLVER_HOST_SIDE_H
#include "solver/state.h"

int64_t host_length(const solver *s); /* numbers of a vector */

/* When the step under way began. */
odeon_tensor host_start_time(const solver *s);

/* As doubles. */
odeon_status host_fetch(solver *s, bound_vector x, double *out);
/* Rounded to the state's precision. */
odeon_status host_put(solver *s, const double *values, bound_vector x);

/* dy = f(t, y) of the implicit terms; a vjp may follow where a frame keeps it, else NULL. */
odeon_status host_evaluate(solver *s, const odeon_tensor *t, bound_vector y, bound_vector dy,
                           odeon_frame *keep);
/* y_bar = J^T dy_bar of the evaluation that the frame keeps; flags of odeon_field_vjp. */
odeon_status host_vjp(solver *s, const odeon_tensor *t, odeon_frame *frame, uint32_t flags,
                      bound_vector dy_bar, bound_vector y_bar);

#endif
