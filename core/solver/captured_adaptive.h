/* captured_adaptive.h: adaptive solves carried out by the device alone.
 *
 * What steers a solve lies in slots, so nobody needs to look on. Where the device records calls,
 * the start of a solve and one trial step in a loop are recorded once and replayed from then on,
 * for whatever times and states; the host reads slots and a log of the trials once, at the end, and
 * its books are then as after a solve step by step.
 *
 *   forward   copy y[0], start, first step; then, while STOP is 0: the verbs of a step, error sums,
 *             a row of the step, step_control, and select, which accepts: Y1 and carry out take the
 *             places of Y0 and carry in.
 *   back      of the rows of the steps, last to first: load one, its verbs again, into frames; the
 *             walk back through them; what is owed for the start becomes what is owed for the end
 *             of the row before.
 *
 * A device without loops replays a few trial steps at a time, and the host reads after each.
 *
 * Whatever is not a success on the device (a failure, more steps than there are rows) has written
 * no output, and is done again step by step: that is where failures are found and named. */
#ifndef ODEON_CORE_SOLVER_CAPTURED_ADAPTIVE_H
#define ODEON_CORE_SOLVER_CAPTURED_ADAPTIVE_H
#include "device/capture_cache.h"
#include "solver/solver.h"

/* What a recorded solve keeps (solver_rows.c): of each step a row of one kind, or none; and of the
 * last alone, if its end is read off it. */
enum {
    ROWS_STEPS = 1 << 0, /* Y0, carry in, T and H: to walk back */
    ROWS_DENSE = 1 << 1, /* Y0 and slopes: to read outputs within steps */
    ROWS_LAST = 1 << 2   /* the same of the last step alone, in one row */
};

/* Solves as a solve step by step would, from y[0] by s->control. *solved false: nothing was done
 * that can be seen, and a solve step by step is to follow. (solver_loop.c) */
odeon_status solver_loop(solver *s, bool *solved);
/* After a solve step by step that succeeded: what the next one needs in order to be recorded. Where
 * there is no memory for it, it will not be. Allocates. */
void solver_loop_settle(solver *s);

/* solver_reverse, of the rows that the last solve left. (solver_walk.c) */
odeon_status solver_walk_rows(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0);

/* ---- what the host makes of it (solver_log.c) ---- */

/* Is the one output the last step's own end? It is then written by the recording. */
static inline bool solver_ends_in_place(int32_t rows)
{
    return (rows & (ROWS_DENSE | ROWS_LAST)) == 0;
}

void solver_count_evals(solver *s, int64_t n); /* where they were made without a call */

odeon_status solver_fit_log(solver *s);
/* Slots and log as they are now, into s->piece.seen; trial steps so far. Waits. */
odeon_status solver_poll(solver *s, int64_t *trials);
/* Did the solve come to its end, by an accepted step? */
bool solver_has_succeeded(const solver *s, int64_t trials);
/* Then: attempts, counts and outputs as a solve step by step would leave them. */
odeon_status solver_keep_log(solver *s, int32_t rows, int64_t trials, int64_t evals);

/* ---- where it all stands (solver_rows.c) ---- */

/* The vectors that a solve or a walk in one piece stands in, at the same addresses every time: Y0
 * and carry in; behind them, of a walk, what is owed for Y1 and carry out. */
held solver_fixed(const solver *s, int32_t i);
odeon_status solver_fixed_fit(solver *s);
bool solver_fixed_fits(const solver *s);
/* Puts them into their places, for a step. */
void solver_stand(solver *s);

/* kinds: ROWS_* of a solve. For how many steps there are rows; of the last alone 1 or 0. */
int64_t solver_rows_capacity(const solver *s, int32_t kinds);
odeon_status solver_rows_fit(solver *s, int32_t kinds, int64_t rows);
int64_t solver_rows_bytes(const solver *s, int32_t kinds, int64_t rows); /* that they take */
/* The step just run, before it is judged. Replayable. */
odeon_status solver_rows_store(const solver *s, int32_t kinds);
/* Y0, carry in, T and H of row ROW. Replayable. */
odeon_status solver_rows_load(const solver *s, int32_t kinds);
/* Puts what is kept of a step into its places, where outputs are read from, with the start of the
 * next row, where there is one, for Y1. */
void solver_rows_place(solver *s, int32_t kinds, int64_t row);

#endif
