/* step_slices.h: a step slice by slice (host_field.h): some samples go through all of its verbs,
 * and their errors are summed, before the next ones, so that what the verbs share stays in a cache.
 *
 * Y0, Y1 and carry are vectors of all samples as ever. Whatever else a step writes is a vector of
 * one slice: its samples' values part by part, and behind them, of what f writes, the sums over
 * samples, which all slices add to. */
#ifndef ODEON_CORE_SOLVER_STEP_SLICES_H
#define ODEON_CORE_SOLVER_STEP_SLICES_H
#include "solver/state.h"

/* Is a step of this program made so? Not where something needs the values of all stages behind it,
 * as frames, kept dense output and equations do. */
bool step_slices_suit(const solver *s, const program *p);
/* Vectors of all samples that such a step, or the choice of the first one, has in use. */
int64_t step_slices_whole_vectors(const solver *s);
/* Room for a step. Allocates. */
odeon_status step_slices_reserve(solver *s, const program *p);
int64_t step_slices_bytes(const solver *s, const program *p); /* of that */

/* The verbs of a step, as step_run has it, and, of adaptive steps, the sums of step_error_sums. */
odeon_status step_slices_run(solver *s, const program *p);

/* Of such a step that was accepted: the caller has all outputs within it, apart from its own end.
 * Before outputs_read. */
odeon_status step_slices_read(solver *s);

/* Has it, ending at t_end, passed an output that it was not read at? */
bool step_slices_miss(const solver *s, double t_end);

void step_slices_fini(solver *s);

#endif
