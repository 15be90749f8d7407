/* reverse.h: the exact reverse of steps, their sizes held fixed: cotangents of a step's end become
 * those of its start.
 *
 * For the verbs of a step in reverse order, with v_bar for the cotangent of v:
 *
 *   combine  out = sum a_i x_i   gives   x_i_bar += a_i out_bar
 *   eval     k = f(t, y)         gives   y_bar += (df/dy)^T k_bar, theta_bar += (df/dtheta)^T k_bar
 *   implicit                     by the implicit function theorem (implicit.h)
 *
 * which for a Runge-Kutta method is its discrete adjoint: Hairer, Lubich, Wanner, Geometric
 * Numerical Integration, 2nd ed., VI.4.3; Sanz-Serna, Symplectic Runge-Kutta schemes for adjoint
 * equations, SIAM Review 58 (2016). */
#ifndef ODEON_CORE_SOLVER_REVERSE_H
#define ODEON_CORE_SOLVER_REVERSE_H
#include "odeon/device_solver.h"
#include "solver/state.h"

/* All steps on the tape, last to first, which it is left without; d_y0 [n]: the cotangent of the
 * start. task.d_y has those of the outputs. */
odeon_status reverse_tape(solver *s, const odeon_tensor *d_y0);

/* Those of step `first` of the solve and of all behind it. Cotangents of its start stay bound to
 * those of the end of the step before. */
odeon_status reverse_back_to(solver *s, int64_t first);

/* The step that step_run has just made, from what is bound to its cotangents; its frames are given
 * back. record: the program, whether it is the start's, and outputs by slots. */
odeon_status reverse_run(solver *s, const solve_record *record);

/* How much each of dense_registers counts at t + x h of a step by h: for records with by_slots, in
 * slots from ERROR_SUM on. 0 throughout for its end, x = 1. How many: at most 1 + ODEON_MAX_STAGES.
 */
int32_t reverse_output_weights(const solver *s, double h, double x, double *weights);

/* d_y0, of the cotangent of the start that the steps have left and that of the first output, which
 * is the start. */
odeon_status reverse_finish(solver *s, const odeon_tensor *d_y0);

#endif
