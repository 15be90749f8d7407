/* rows.h: the tape of a solve that the device carries out alone: for each of a few registers a
 * block with one row a step, written and read at a row that a slot names. The host need not know
 * how many steps there are. */
#ifndef ODEON_CORE_SOLVER_ROWS_H
#define ODEON_CORE_SOLVER_ROWS_H
#include "solver/state.h"

/* What is kept: of each step a row of one kind, or none; and of the last alone, if the end is read
 * within it. */
enum {
    ROWS_STEPS = 1 << 0, /* Y0, carry in, T and H: to make the step again in reverse */
    ROWS_DENSE = 1 << 1, /* Y0 and slopes: to read outputs within steps */
    ROWS_LAST = 1 << 2   /* the same of the last step alone, in one row */
};

/* Is the one output the last step's own end? Then the device writes it, and needs no row for it. */
bool rows_end_in_place(int32_t kinds);
/* Is a row kept of every step? */
bool rows_of_each_step(int32_t kinds);

/* kinds: ROWS_* of a solve. For how many steps there are rows; of the last alone 1 or 0. */
int64_t rows_capacity(const solver *s, int32_t kinds);
odeon_status rows_fit(solver *s, int32_t kinds, int64_t rows);
int64_t rows_bytes(const solver *s, int32_t kinds, int64_t rows); /* that they take */

/* Stores the step just run, before it is judged: at row STEPS, which only an accepted step moves on
 * from. Replayable. */
odeon_status rows_store(const solver *s, int32_t kinds);
/* Loads Y0, carry in, T and H of row ROW. Replayable. */
odeon_status rows_load(const solver *s, int32_t kinds);
/* Binds what is kept of a step to its registers, where outputs are read from, with the start of the
 * next row, if there is one, for Y1. */
void rows_bind(solver *s, int32_t kinds, int64_t row);

/* ---- fixed vectors ---- */

/* Vectors at the same addresses in every solve, as a recording needs them: Y0 (0), carry in (1,
 * ...), and behind them, for a reverse pass, the cotangents of Y1 and carry out. */
bound_vector fixed_vector(const solver *s, int32_t i);
odeon_status fixed_vectors_fit(solver *s);
bool fixed_vectors_are_there(const solver *s);
/* Binds the first ones to Y0 and carry in. */
void fixed_vectors_bind(solver *s);

#endif
