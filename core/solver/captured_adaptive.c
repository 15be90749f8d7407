/* Forward: an adaptive solve as one recording. */
#include "solver/captured_adaptive.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { CHUNK = 8 }; /* trial steps to a look, on a device without loops */

/* A solve in one piece. */
typedef struct piece {
    const program *step;
    odeon_control control; /* the solver's, with a log */
    double first;          /* size of the first step; 0: chosen automatically */
    int32_t rows;          /* ROWS_* */
    bool loops;            /* the device has them */
    const odeon_device_capture *capture;
} piece;

/* All that its recording depends on: times and numbers of steps lie in slots. */
typedef struct piece_key {
    odeon_control control;
    field_identity field;
    const void *self, *start, *end; /* the field; y[0], and y[1] where that is written */
    double first;
    int32_t rows, reserved0;
} piece_key;

/* What a recording is to be remembered with. */
typedef struct piece_notes {
    int64_t start_evals; /* before the first trial step, within the recording */
} piece_notes;

/* ---- which solves ---- */

static int32_t rows_of(const solver *s)
{
    int32_t steps = s->keep == ODEON_KEEP_NONE ? 0 : ROWS_STEPS;
    if (s->n_times > 2) {
        return steps | ROWS_DENSE;
    }
    return steps | (s->spec->end == ODEON_END_CLIP ? 0 : ROWS_LAST);
}

static bool has_loops(const odeon_device_capture *capture)
{
    return ODEON_HAS(capture, odeon_device_capture, loop_begin);
}

/* The same verbs in every step, and neither outputs nor stops that steps are cut for on the way;
 * on a walk back, one output within
 * the last of them. Behind the end of a chunk the field is evaluated for nothing, which running
 * state may not see. */
static bool suits(const solver *s)
{
    const odeon_device_capture *capture = capture_cache_capture(s->captures);
    bool uniform = (s->stepper->info.flags & ODEON_STEPPER_UNIFORM) != 0;
    int32_t rows = rows_of(s), both = ROWS_STEPS | ROWS_DENSE;
    bool readable = solver_ends_in_place(rows) || (s->stepper->dense && (rows & both) != both);
    return capture != NULL && uniform && readable && s->spec->n_stops == 0 &&
           s->field->is_recordable && (has_loops(capture) || !s->field->moves_state);
}

static odeon_status make_piece(solver *s, piece *p)
{
    *p = (piece){.control = s->control, .rows = rows_of(s)};
    p->capture = capture_cache_capture(s->captures);
    p->loops = has_loops(p->capture);
    p->first = solver_direction(s) * s->spec->first_step;
    p->control.log = s->slots + ODEON_SLOTS;
    p->control.log_rows = SOLVER_LOG_ROWS;
    bool counts = (p->rows & (ROWS_STEPS | ROWS_DENSE)) != 0;
    p->control.rows = counts ? solver_rows_capacity(s, p->rows) : 0;
    return stepper_program(s->stepper, 0, &p->step);
}

static piece_key key_of(const solver *s, const piece *p)
{
    piece_key key;
    memset(&key, 0, sizeof key);
    key.control = p->control;
    key.control.rows = 0; /* as many as the memory holds, which a recording does not outlive */
    key.field = s->field->identity;
    key.self = s->field->abi.self;
    key.start = s->y[0].data;
    key.end = solver_ends_in_place(p->rows) ? s->y[1].data : NULL;
    key.first = p->first;
    key.rows = p->rows;
    return key;
}

/* Is there room for what is to be recorded? */
static bool is_ready(const solver *s, const piece *p)
{
    bool running = !s->field->moves_state || s->piece.running.data != NULL;
    return solver_rows_capacity(s, p->rows) > 0 && running && s->piece.seen != NULL &&
           solver_fixed_fits(s);
}

/* ---- the calls ---- */

/* Where running state is kept while a solve may have to be undone. */
static odeon_tensor kept_running(const solver *s)
{
    odeon_tensor kept = s->field->running;
    kept.data = s->piece.running.data;
    return kept;
}

/* Running state that a solve may be undone to. */
static odeon_status save_running(const solver *s)
{
    odeon_tensor now = s->field->running, before = kept_running(s);
    return s->field->moves_state ? s->lane->device->ops->copy(s->lane->queue, &now, &before)
                                 : ODEON_OK;
}

static odeon_status restore_running(const solver *s)
{
    odeon_tensor now = s->field->running, before = kept_running(s);
    return s->field->moves_state ? s->lane->device->ops->copy(s->lane->queue, &before, &now)
                                 : ODEON_OK;
}

/* What start has left in the carry moves to where every solve has it. */
static odeon_status fix_carry(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        held *in = &s->at[place_carry_in(s->stepper, i)];
        odeon_tensor from = solver_vector(s, *in), to = solver_vector(s, solver_fixed(s, 1 + i));
        ODEON_TRY(s->lane->device->ops->copy(s->lane->queue, &from, &to));
        solver_release(s, in);
    }
    solver_stand(s);
    return ODEON_OK;
}

static odeon_status choose_first_step(solver *s, const piece *p)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    if (p->first == 0.0) {
        held f0 = {0}, f1 = {0};
        odeon_status status = solver_start_phases(s, &f0, &f1);
        solver_release(s, &f0);
        solver_release(s, &f1);
        return status;
    }
    ODEON_TRY(ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_H, 1, &p->first));
    return ops->step_start(s->lane->queue, &s->control, 3, s->slots);
}

/* All before the first trial step. */
static odeon_status call_start(solver *s, const piece *p)
{
    odeon_tensor y0 = solver_vector(s, solver_fixed(s, 0));
    ODEON_TRY(save_running(s));
    ODEON_TRY(s->lane->device->ops->copy(s->lane->queue, &s->y[0], &y0));
    s->at[PLACE_Y0] = solver_fixed(s, 0);
    ODEON_TRY(solver_begin(s, s->times[0]));
    ODEON_TRY(fix_carry(s));
    return choose_first_step(s, p);
}

/* Where the step was accepted its end becomes the next one's start. */
static odeon_status call_accept(const solver *s)
{
    odeon_tensor from[1 + ODEON_MAX_CARRY], to[1 + ODEON_MAX_CARRY];
    const odeon_tensor *x[1 + ODEON_MAX_CARRY], *y[1 + ODEON_MAX_CARRY];
    int32_t n = 1 + s->stepper->info.n_carry;
    for (int32_t i = 0; i < n; i++) {
        int32_t end = i == 0 ? PLACE_Y1 : place_carry_out(s->stepper, i - 1);
        from[i] = solver_vector(s, s->at[end]);
        to[i] = solver_vector(s, solver_fixed(s, i));
        x[i] = &from[i];
        y[i] = &to[i];
    }
    return s->lane->device->ops->select(s->lane->queue, n, x, y, s->slots, ODEON_SLOT_ACCEPT);
}

static odeon_status call_step(solver *s, const piece *p)
{
    ODEON_TRY(solver_run(s, p->step));
    ODEON_TRY(solver_error(s, p->step));
    ODEON_TRY(solver_rows_store(s, p->rows));
    ODEON_TRY(s->lane->device->ops->step_control(s->lane->queue, &p->control, s->slots));
    ODEON_TRY(call_accept(s));
    solver_reject(s); /* only lets go of what the step used: nobody knows how it went */
    return ODEON_OK;
}

/* The output, if that is the last step's own end; nothing unless it was come to. */
static odeon_status call_end(const solver *s, const piece *p)
{
    odeon_tensor end = solver_vector(s, solver_fixed(s, 0));
    const odeon_tensor *x[1] = {&end}, *y[1] = {&s->y[1]};
    return !solver_ends_in_place(p->rows)
               ? ODEON_OK
               : s->lane->device->ops->select(s->lane->queue, 1, x, y, s->slots, ODEON_SLOT_DONE);
}

static odeon_status call_loop(solver *s, const piece *p)
{
    if (!p->loops) {
        for (int i = 0; i < CHUNK; i++) {
            ODEON_TRY(call_step(s, p));
        }
        return call_end(s, p);
    }
    ODEON_TRY(p->capture->loop_begin(s->lane->queue, s->slots, ODEON_SLOT_STOP, SOLVER_LOG_ROWS));
    ODEON_TRY(call_step(s, p));
    ODEON_TRY(p->capture->loop_end(s->lane->queue));
    return call_end(s, p);
}

/* ---- recording and replaying them ---- */

/* Calls are counted as they are made, but a recording makes none. */
static odeon_status take(solver *s, const piece *p, recorded *x)
{
    int64_t evals = s->evals;
    piece_notes *notes = mem_zalloc(1, sizeof *notes);
    x->notes = notes;
    odeon_status status = notes != NULL ? capture_cache_begin(s->captures, x) : ODEON_ERR_NOMEM;
    if (status == ODEON_OK && p->loops) {
        status = call_start(s, p);
        notes->start_evals = s->evals - evals;
    }
    status = status == ODEON_OK ? call_loop(s, p) : status;
    solver_count_evals(s, evals - s->evals);
    solver_let_all_go(s);
    return capture_cache_end(s->captures, x, status);
}

static odeon_status replay(solver *s, const recorded *x, int64_t *trials)
{
    do {
        ODEON_TRY(capture_cache_replay(s->captures, x));
        ODEON_TRY(solver_poll(s, trials));
    } while (s->piece.seen[ODEON_SLOT_STOP] == 0.0);
    return ODEON_OK;
}

/* ---- all ---- */

static odeon_status carry_out(solver *s, const piece *p, recorded *x, bool take_first, bool *solved)
{
    int64_t trials, evals = s->evals;
    ODEON_TRY(solver_write_slots(s));
    ODEON_TRY(p->loops ? ODEON_OK : call_start(s, p));
    if (take_first && take(s, p, x) != ODEON_OK) {
        solver_count_evals(s, evals - s->evals);
        return ODEON_OK;
    }
    ODEON_TRY(replay(s, x, &trials));
    *solved = solver_has_succeeded(s, trials);
    if (!*solved) {
        solver_count_evals(s, evals - s->evals);
        return restore_running(s);
    }
    const piece_notes *notes = x->notes;
    return solver_keep_log(s, p->rows, trials, notes->start_evals + trials * p->step->n_evals);
}

odeon_status solver_loop(solver *s, bool *solved)
{
    piece p;
    recorded *x;
    int32_t keep = s->keep;
    *solved = false;
    s->piece.asked = NULL;
    if (!suits(s)) {
        return ODEON_OK;
    }
    ODEON_TRY(make_piece(s, &p));
    piece_key key = key_of(s, &p);
    int32_t answer = capture_cache_ask(s->captures, &key, sizeof key, &x);
    s->piece.asked = x;
    if (answer == CAPTURE_CACHE_RUN || !is_ready(s, &p)) {
        return ODEON_OK;
    }
    s->keep = ODEON_KEEP_NONE; /* no frames: what is kept are rows */
    odeon_status status = carry_out(s, &p, x, answer == CAPTURE_CACHE_TAKE, solved);
    s->keep = keep;
    solver_let_all_go(s);
    s->at[PLACE_Y0] = (held){.data = s->y[0].data};
    return status;
}

static odeon_status fit_memory(solver *s, const piece *p)
{
    int64_t width = odeon_dtype_bytes(s->lane->dtype), steps = s->stats.accepted;
    ODEON_TRY(solver_fit_log(s));
    ODEON_TRY(solver_fixed_fit(s));
    if (s->field->moves_state) {
        int64_t bytes = odeon_count(&s->field->running) * width;
        ODEON_TRY(buffer_fit(s->lane->device, &s->piece.running, bytes));
    }
    bool each = (p->rows & (ROWS_STEPS | ROWS_DENSE)) != 0;
    return (each ? steps : 1) <= solver_rows_capacity(s, p->rows)
               ? ODEON_OK
               : solver_rows_fit(s, p->rows, steps + steps / 2 + 8);
}

void solver_loop_settle(solver *s)
{
    piece p;
    if (s->piece.asked == NULL) {
        return;
    }
    bool too_long = s->stats.accepted + s->stats.rejected >= SOLVER_LOG_ROWS;
    if (too_long || make_piece(s, &p) != ODEON_OK || fit_memory(s, &p) != ODEON_OK) {
        diag_clear();
        capture_cache_decline(s->piece.asked);
    }
}
