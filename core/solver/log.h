/* log.h: the steps that solves have tried, and what is counted from them. Every step that is tried,
 * by whatever executor, enters here once; nothing else counts. */
#ifndef ODEON_CORE_SOLVER_LOG_H
#define ODEON_CORE_SOLVER_LOG_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/abi.h"
#include "odeon/status.h"

/* One step that was tried: its start, its signed size. */
typedef struct solve_attempt {
    double t, h, error; /* scaled error norm; NAN: the step was not judged */
    bool accepted;
} solve_attempt;

/* Invariant: h_min <= h_max, or both are NAN. */
typedef struct solve_stats {
    int64_t accepted, rejected;
    double h_min, h_max; /* sizes of accepted steps, without sign; NAN before the first */
} solve_stats;

/* A FATAL attempt ended its solve: it is listed, but not counted as a rejected step. */
enum { ATTEMPT_REJECTED = 0, ATTEMPT_ACCEPTED = 1, ATTEMPT_FATAL = 2 };

/* Invariant: stats counts the attempts since solve_log_restart; attempts also holds those of the
 * solves before, back to solve_log_clear. */
typedef struct solve_log {
    solve_attempt *attempts;
    size_t n_attempts, capacity;
    solve_stats stats;
    int64_t evals;        /* of the field, by this solve */
    int64_t steps_before; /* tried by earlier solves of the same pass: max_steps counts them, too */
} solve_log;

solve_stats solve_stats_none(void);
/* Counts of one solve more. */
void solve_stats_add(solve_stats *all, const solve_stats *one);

void solve_log_fini(solve_log *log);
/* So many attempts in all. Out of memory: false, and nothing has changed. */
bool solve_log_reserve(solve_log *log, size_t n);

/* Adds a step that was tried, error NAN if it was not judged. There is room, since reserved. */
void solve_log_add(solve_log *log, double t, double h, double error, int32_t outcome);

/* The accepted step number `step` among the attempts from `first` on; there are so many. */
const solve_attempt *solve_log_step(const solve_log *log, size_t first, int64_t step);

void solve_log_restart(solve_log *log); /* for the next solve */
void solve_log_clear(solve_log *log);   /* forgets all attempts, but no memory */

#endif
