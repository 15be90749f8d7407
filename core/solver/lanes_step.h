/* lanes_step.h: one step of every entry of a round, each by its own time and size. */
#ifndef ODEON_CORE_SOLVER_LANES_STEP_H
#define ODEON_CORE_SOLVER_LANES_STEP_H
#include "solver/lanes_state.h"

/* Fits the field to the rows that are live. */
odeon_status lanes_fit_field(lanes *l);
/* k = f(t, y) for n entries, t that of an evaluation of theirs; frame NULL: nothing is kept.
 * Counts. What a row cannot be evaluated for gives up. */
odeon_status lanes_eval(lanes *l, int64_t n, int32_t eval, int32_t terms, char *y, char *k,
                        char *frame);
/* Times T + c[i] H of count evaluations. */
odeon_status lanes_stage_times(lanes *l, int64_t n, int32_t count, const double *c);

/* Runs a program from what is bound to Y0 and carry in of the live rows. frames: [n_evals] of
 * frame_bytes each, or NULL. */
odeon_status lanes_run(lanes *l, const program *p, char *frames, int64_t frame_bytes);

/* ERROR_SUM + slot = the sum, over each row, of n vectors with their coefficients. */
odeon_status lanes_scaled_sum(lanes *l, int32_t slot, char *y0, char *y1, int32_t n, char *const *x,
                              const odeon_scalar *coefficients);
/* The same of the step's error estimates. */
odeon_status lanes_error_sums(lanes *l, const program *p);

/* Writes the outputs that the accepted steps of the round have come to. */
odeon_status lanes_read_outputs(lanes *l);
/* Starts of the next round: Y1 and carry out of rows whose step was accepted, Y0 and carry in of
 * the others; without those that have finished. live becomes the rest. */
odeon_status lanes_advance(lanes *l);

#endif
