/* What the host knows of a solve that the device has carried out, and makes of it. */
#include "base/diag.h"
#include "base/mem.h"
#include "solver/captured_adaptive.h"

enum { FEWEST_READ = 32 }; /* rows of the log to read with the slots */

void solver_count_evals(solver *s, int64_t n)
{
    s->evals += n;
    *s->field->evals += n;
}

/* ---- the log ---- */

/* The log is read further than it has been written. */
odeon_status solver_fit_log(solver *s)
{
    size_t n = ODEON_SLOTS + SOLVER_LOG_ROWS * ODEON_LOG_COLUMNS;
    odeon_tensor all = {.data = s->slots, .dim = {(int64_t)n}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    if (s->piece.seen != NULL) {
        return ODEON_OK;
    }
    s->piece.seen = mem_zalloc(n, sizeof *s->piece.seen);
    s->piece.n_read = FEWEST_READ;
    return s->piece.seen != NULL
               ? s->lane->device->ops->fill(s->lane->queue, &all, odeon_imm(0.0), NULL)
               : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a log", s->path);
}

/* As many rows as the last solve left, and some, are read at once; the rest in a second go. */
odeon_status solver_poll(solver *s, int64_t *trials)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    double *seen = s->piece.seen;
    int64_t n = ODEON_SLOTS + s->piece.n_read * ODEON_LOG_COLUMNS;
    ODEON_TRY(ops->download(s->lane->queue, seen, s->slots, (uint64_t)n * sizeof *seen));
    *trials = (int64_t)seen[ODEON_SLOT_TRIALS];
    int64_t rest = ODEON_SLOTS + *trials * ODEON_LOG_COLUMNS - n;
    int64_t rows = *trials + *trials / 4 + 8;
    rows = rows > FEWEST_READ ? rows : FEWEST_READ;
    s->piece.n_read = rows < SOLVER_LOG_ROWS ? rows : SOLVER_LOG_ROWS;
    return rest <= 0 ? ODEON_OK
                     : ops->download(s->lane->queue, seen + n, s->slots + n,
                                     (uint64_t)rest * sizeof *seen);
}

/* ---- the books ---- */

static const double *log_row(const solver *s, int64_t trial)
{
    return s->piece.seen + ODEON_SLOTS + trial * ODEON_LOG_COLUMNS;
}

bool solver_has_succeeded(const solver *s, int64_t trials)
{
    const double *slots = s->piece.seen;
    return trials > 0 && log_row(s, trials - 1)[ODEON_LOG_ACCEPT] != 0.0 &&
           solver_reaches(s, slots[ODEON_SLOT_T], s->n_times - 1);
}

/* Reads what an accepted step that ends at t_end has come to, off its row. */
static odeon_status read_row(solver *s, int32_t rows, const double *step, double t_end, int64_t row)
{
    solver_rows_place(s, rows, row);
    if (row + 1 == (int64_t)s->piece.seen[ODEON_SLOT_STEPS]) {
        s->at[PLACE_Y1] = solver_fixed(s, 0);
    }
    return solver_read_outputs(s, step[ODEON_LOG_T], step[ODEON_LOG_H], t_end);
}

static odeon_status read_outputs(solver *s, int32_t rows, int64_t trials)
{
    int64_t row = 0;
    if (solver_ends_in_place(rows)) { /* there already */
        s->read_at[s->next++] = 1.0;
        return ODEON_OK;
    }
    for (int64_t i = 0; i < trials; i++) {
        const double *step = log_row(s, i);
        double t_end =
            i + 1 < trials ? step[ODEON_LOG_COLUMNS + ODEON_LOG_T] : s->piece.seen[ODEON_SLOT_T];
        if (step[ODEON_LOG_ACCEPT] == 0.0) {
            continue;
        }
        if (s->next < s->n_times && solver_reaches(s, t_end, s->next)) {
            ODEON_TRY(read_row(s, rows, step, t_end, row));
        }
        row++;
    }
    return ODEON_OK;
}

odeon_status solver_keep_log(solver *s, int32_t rows, int64_t trials, int64_t evals)
{
    int64_t steps = (int64_t)s->piece.seen[ODEON_SLOT_STEPS];
    ODEON_TRY(solver_reserve_host(s, 0, 0, s->n_attempts + (size_t)trials));
    for (int64_t i = 0; i < trials; i++) {
        const double *step = log_row(s, i);
        bool accepted = step[ODEON_LOG_ACCEPT] != 0.0;
        solver_note(s, step[ODEON_LOG_T], step[ODEON_LOG_H], step[ODEON_LOG_ERROR], accepted);
        solver_count(s, step[ODEON_LOG_H], accepted);
    }
    solver_count_evals(s, evals);
    s->index = steps;
    s->piece.kept = (rows & ROWS_STEPS) != 0 ? steps : 0;
    s->piece.last_h = log_row(s, trials - 1)[ODEON_LOG_H];
    int64_t bytes = solver_rows_bytes(s, rows, steps);
    s->use.record_bytes = bytes > s->use.record_bytes ? bytes : s->use.record_bytes;
    return read_outputs(s, rows, trials);
}
