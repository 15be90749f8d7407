/* implicit.h: implicit stages, k = f(t + c h, y) with y = base + gamma h k, and their exact
 * reverse, on a field of samples that do not know of one another.
 *
 * FORWARD by Newton's iteration on the host (newton.h). J, dense for each sample, is made at the
 * start of every step, of as many vjps as a sample has features. k is z / (gamma h) and not f(y),
 * which would multiply what is left of Newton's error by J. Where it is kept, f is evaluated once
 * more at y, so that the frame belongs to the solution.
 *
 * REVERSE by the implicit function theorem: from the cotangents of k and y,
 *
 *     k_bar += gamma h y_bar,   base_bar += y_bar
 *     (I - gamma h J^T) w = k_bar            J at (t + c h, y), the solution
 *     base_bar += J^T w,  theta_bar += (df/dtheta)^T w
 *
 * the last line by one vjp, the only one that knows of parameters. With the J of the step's start
 * the gradient would be wrong by far more than Newton's error. */
#ifndef ODEON_CORE_SOLVER_IMPLICIT_H
#define ODEON_CORE_SOLVER_IMPLICIT_H
#include "solver/state.h"

/* Beside those of the program: a unit vector and the vector that its vjp writes. */
enum { IMPLICIT_VECTORS = 2 };

/* Can this field's stages be solved for? Host memory for it. Before a solve. */
odeon_status implicit_fit(solver *s, const host_field *field);

/* A step begins: J is that of the step before. */
void implicit_begin_step(solver *s);
/* Binds k and y. A sample without a solution is ODEON_VOID_STEP. */
odeon_status implicit_stage(solver *s, const program *p, const verb *w);
/* What the method filters its error estimate by: x becomes (I - gamma h J)^-1 x, J that of the
 * step's start. Of others nothing. Source: Hairer, Wanner, Solving ODEs II, IV.8, equation 8.19. */
bool implicit_filters(const solver *s);
odeon_status implicit_filter(solver *s, bound_vector x);

/* Adds to the cotangent of base, and uses up those of k and y, of which at most one is not bound.
 */
odeon_status implicit_reverse(solver *s, const verb *w, double h, odeon_frame *frame);

#endif
