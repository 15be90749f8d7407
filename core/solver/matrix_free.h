/* matrix_free.h: what implicit stages solve for states of many numbers a sample, by GMRES
 * (krylov.h) and without a matrix. J v, J that of the start of the step, is a difference of f along
 * v, whose length is the square root of the state's precision times that of the state; J^T v is a
 * vjp, at the solution. Each product is of all samples at once.
 *
 * TOLERANCE, in newton's norm. Adaptive steps: the residual of a correction is at most 1e-4, a
 * hundredth of what Newton's iteration ends at, or 1e-9 of what it was, beyond which differences
 * cannot tell; of float32 1e-3. Steps that are given: half a unit in the last place, or a hundredth
 * of what it was, about what an iteration with the J of the step's start gains. The transposed
 * equation: 1e-12 of its right-hand side, at least 1e-9; float32: 1e-6, at least 1e-4.
 *
 * Source: Knoll, Keyes, Jacobian-free Newton-Krylov methods, J. Comput. Phys. 193, 2004, equation
 * 10. */
#ifndef ODEON_CORE_SOLVER_MATRIX_FREE_H
#define ODEON_CORE_SOLVER_MATRIX_FREE_H
#include "solver/state.h"

/* f where the step begins, into out: newton's base is y0. */
odeon_status matrix_free_begin_step(solver *s, bound_vector out);
/* A guess that is further from y0 than y0 is from 0 gives way to y0: slopes of a stiff transient
 * lead to where J is no model of f. */
void matrix_free_guess(solver *s);
/* Newton's correction, in slope, from slope = f(t, y) with y = base + z; in and out are vectors to
 * work with. ODEON_VOID_STEP where GMRES does not come near it. */
odeon_status matrix_free_correct(solver *s, bound_vector in, bound_vector out);
/* x becomes (I - gh J)^-1 x, J that of the step's start, gh that of newton. */
odeon_status matrix_free_filter(solver *s, bound_vector x);
/* newton's base becomes (I - gh J^T)^-1 base, J that of the evaluation which the frame keeps. */
odeon_status matrix_free_transposed(solver *s, const odeon_tensor *t, double gh, odeon_frame *frame,
                                    const bound_vector pair[2]);

#endif
