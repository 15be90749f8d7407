#include "solver/log.h"

#include <math.h>

#include "base/mem.h"

/* NAN says that no step has been accepted: 0 would be a size. */
solve_stats solve_stats_none(void)
{
    return (solve_stats){.h_min = (double)NAN, .h_max = (double)NAN};
}

/* Written so that NAN, which stands for no step yet, gives way to a number. */
void solve_stats_add(solve_stats *all, const solve_stats *one)
{
    all->accepted += one->accepted;
    all->rejected += one->rejected;
    all->h_min = !(all->h_min <= one->h_min) ? one->h_min : all->h_min;
    all->h_max = !(all->h_max >= one->h_max) ? one->h_max : all->h_max;
}

void solve_log_fini(solve_log *log)
{
    mem_free(log->attempts);
    log->attempts = NULL;
}

/* Reserved ahead of every step, so that a step that has been tried is never lost for memory. */
bool solve_log_reserve(solve_log *log, size_t n)
{
    solve_attempt *list = mem_reserve(log->attempts, &log->capacity, n, 64, sizeof *log->attempts);
    log->attempts = list != NULL ? list : log->attempts;
    return list != NULL || n == 0;
}

/* The comparisons are written so that the first accepted step replaces NAN. */
static void count(solve_stats *stats, double h, int32_t outcome)
{
    double size = fabs(h);
    if (outcome != ATTEMPT_ACCEPTED) {
        stats->rejected += outcome == ATTEMPT_REJECTED;
        return;
    }
    stats->accepted++;
    stats->h_min = !(stats->h_min <= size) ? size : stats->h_min;
    stats->h_max = !(stats->h_max >= size) ? size : stats->h_max;
}

/* The list may hold attempts of earlier solves; counts are of this one. */
void solve_log_add(solve_log *log, double t, double h, double error, int32_t outcome)
{
    log->attempts[log->n_attempts++] =
        (solve_attempt){.t = t, .h = h, .error = error, .accepted = outcome == ATTEMPT_ACCEPTED};
    count(&log->stats, h, outcome);
}

const solve_attempt *solve_log_step(const solve_log *log, size_t first, int64_t step)
{
    const solve_attempt *attempt = log->attempts + first;
    for (int64_t left = step; left > 0 || !attempt->accepted; attempt++) {
        left -= attempt->accepted;
    }
    return attempt;
}

/* The list goes on: a pass of several solves has one list of attempts. */
void solve_log_restart(solve_log *log)
{
    log->stats = solve_stats_none();
    log->evals = 0;
}

/* Counts belong to a solve and stay; a pass begins with an empty list. */
void solve_log_clear(solve_log *log)
{
    log->n_attempts = 0;
}
