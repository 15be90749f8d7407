/* step.h: one step forward: a program's verbs on the field. */
#ifndef ODEON_CORE_SOLVER_STEP_H
#define ODEON_CORE_SOLVER_STEP_H
#include "odeon/device_move.h"
#include "solver/state.h"

/* Fits the workspace to the field: vectors and frames of its sizes. Before a solve. */
void step_fit(solver *s, const host_field *field);
/* Room for all that a step of this program, and its reverse if it is kept, can need: vectors,
 * frames, records, one attempt. Allocates. */
odeon_status step_reserve(solver *s, const program *p);

odeon_status step_set_time(solver *s, double t, double h); /* writes slots T and H */

/* Writes the times of a step's evaluations, of T and H in their slots. */
odeon_status step_set_stage_times(const solver *s, const program *p);

/* Runs a program's verbs from what is bound to Y0 and carry in; T and H are in their slots. Frames
 * are taken if the solve is kept. */
odeon_status step_run(solver *s, const program *p);

/* An accepted step, which ends at t_end (t + h but for rounding): outputs within it are read, it
 * goes on the tape, and its end becomes the next one's start. */
odeon_status step_accept(solver *s, const program *p, double t, double h, double t_end);
/* The end of a step, or of the method's start, that was run becomes the start of the next; frames
 * go on the tape if they are kept. */
void step_take(solver *s, const solve_record *record);
/* Releases all but the step's start, so that it can be tried again. */
void step_reject(solver *s);
/* Runs the method's start, which fills carry in at t0, and tapes it; without one carry in is 0. */
odeon_status step_begin(solver *s, double t0);

/* Sums (error_sum of device_solver.h) into slots ERROR_SUM, this worker's share, one for each part
 * that counts: of the n vectors x with their coefficients, scaled by y0 and y1. */
odeon_status step_scaled_sums(solver *s, bound_vector y0, bound_vector y1, int32_t n,
                              const bound_vector *x, const odeon_scalar *coefficients);
/* The same of the step's error estimates, one after the other. */
odeon_status step_error_sums(solver *s, const program *p);
/* Makes the step from t by h, which was run slice by slice, again of all samples at once, since the
 * values of its stages are wanted. Nothing is counted; T and H are left as the step's. */
odeon_status step_make_whole(solver *s, const program *p, double t, double h);
/* The first error estimate of a step by h as a vector, filtered where the method says so, whatever
 * the slots hold by now. */
odeon_status step_error_vector(solver *s, const program *p, double h, bound_vector out);

#endif
