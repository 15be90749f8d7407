/* keep.h: keeps accepted steps for stretch.h, as the task of the solve has it. */
#ifndef ODEON_CORE_SOLVER_KEEP_H
#define ODEON_CORE_SOLVER_KEEP_H
#include "solver/state.h"

/* Does the task keep more than frames? Then its steps are made call by call. */
bool keep_steps(const solver *s);
/* Before a solve: nothing kept. */
void keep_begin(solver *s);

/* Vectors that must be there beside those of one step: what is held, what one more step adds, and
 * cotangents that wait for the reverse of the stretch before. */
int64_t keep_vectors(const solver *s);
/* Room in host memory for one more step. */
odeon_status keep_reserve(solver *s);

/* Of a step by this program that has been accepted, whose registers are still bound: its vectors.
 * Before outputs are read, which may write over the start. */
odeon_status keep_values(solver *s, const program *p);
/* Then its record; or that of a start. */
void keep_record(solver *s, const solve_record *record);

#endif
