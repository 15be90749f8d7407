/* Back: the exact reverse of steps of which a recorded solve has left rows. The steps are made
 * again, one at a time, since nothing but their starts was kept. */
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/captured_adaptive.h"

typedef struct walk {
    const program *step, *start; /* start NULL: carry started at zero */
    const odeon_device_capture *capture;
    const odeon_tensor *d_y, *d_y0;
    int32_t rows;     /* ROWS_* that the solve kept */
    bool from_within; /* the end was read off the last step, by weights in slots */
} walk;

/* All that a recording of a walk depends on. */
typedef struct walk_key {
    field_identity field;
    const void *self, *d_y[2], *d_y0;
    int64_t rows;
} walk_key; /* no key of a solve has as many bytes */

static walk make_walk(const solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    const program *start = s->stepper->start;
    bool within = s->spec->end == ODEON_END_INTERPOLATE;
    return (walk){.step = s->stepper->programs[0],
                  .start = start != NULL && start->n_verbs > 0 ? start : NULL,
                  .capture = capture_cache_capture(s->captures),
                  .d_y = d_y,
                  .d_y0 = d_y0,
                  .rows = ROWS_STEPS | (within ? ROWS_LAST : 0),
                  .from_within = within};
}

/* What is owed for Y1 (0) or for carry out (1, ...), between two steps. */
static held owed(const solver *s, int32_t i)
{
    return solver_fixed(s, 1 + s->stepper->info.n_carry + i);
}

static int32_t place_owed(const solver *s, int32_t i)
{
    return i == 0 ? PLACE_Y1 : place_carry_out(s->stepper, i - 1);
}

static void stand(solver *s)
{
    solver_stand(s);
    for (int32_t i = 0; i <= s->stepper->info.n_carry; i++) {
        s->bar[place_owed(s, i)] = owed(s, i);
    }
}

static odeon_status set(const solver *s, held x, const odeon_tensor *value)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    odeon_tensor to = solver_vector(s, x);
    return value != NULL && value->data != NULL
               ? ops->copy(s->lane->queue, value, &to)
               : ops->fill(s->lane->queue, &to, odeon_imm(0.0), NULL);
}

/* ---- the calls ---- */

/* Where the weight of Y1 stands, behind those of the places that dense output consists of. */
static int32_t end_slot(const solver *s)
{
    double weights[1 + ODEON_MAX_STAGES];
    return ODEON_SLOT_ERROR_SUM + solver_output_weights(s, 0.0, 1.0, weights);
}

/* What the end of the solve owes is all that there is at first. */
static odeon_status call_end(const solver *s, const walk *w)
{
    odeon_tensor end = solver_vector(s, owed(s, 0));
    const odeon_tensor *x[1] = {&w->d_y[1]};
    for (int32_t i = 1; i <= s->stepper->info.n_carry; i++) {
        ODEON_TRY(set(s, owed(s, i), NULL));
    }
    if (!w->from_within || w->d_y[1].data == NULL) {
        return set(s, owed(s, 0), &w->d_y[1]);
    }
    odeon_scalar weight[1] = {odeon_slot(1.0, end_slot(s))};
    return s->lane->device->ops->lincomb(s->lane->queue, &end, NULL, 1, x, weight, s->slots);
}

/* What the step's start is owed becomes what the end of the step before it is. */
static odeon_status hand_over(solver *s)
{
    for (int32_t i = 0; i <= s->stepper->info.n_carry; i++) {
        held *bar = &s->bar[place_owed(s, i)];
        odeon_tensor value = solver_vector(s, *bar);
        if (bar->data != owed(s, i).data) {
            ODEON_TRY(set(s, owed(s, i), &value));
        }
        solver_release(s, bar);
    }
    return ODEON_OK;
}

static odeon_status call_step(solver *s, const walk *w, bool is_last)
{
    solve_record record = {.program = w->step, .by_slots = is_last};
    stand(s);
    ODEON_TRY(solver_rows_load(s, w->rows));
    ODEON_TRY(solver_run(s, w->step));
    ODEON_TRY(solver_walk_run(s, &record));
    ODEON_TRY(hand_over(s));
    return s->lane->device->ops->step_back(s->lane->queue, s->slots);
}

/* Behind the first step, whose start still stands in its place. */
static odeon_status call_start(solver *s, const walk *w)
{
    const double no_size = 0.0;
    solve_record record = {.program = w->start, .is_start = true};
    stand(s);
    if (w->start != NULL) {
        ODEON_TRY(
            s->lane->device->ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_H, 1, &no_size));
        ODEON_TRY(solver_run(s, w->start));
        ODEON_TRY(solver_walk_run(s, &record));
    }
    return solver_give_start(s, w->d_y, w->d_y0);
}

static odeon_status call_loop(solver *s, const walk *w)
{
    ODEON_TRY(call_end(s, w));
    ODEON_TRY(w->from_within ? call_step(s, w, true) : ODEON_OK);
    ODEON_TRY(w->capture->loop_begin(s->lane->queue, s->slots, ODEON_SLOT_STOP, SOLVER_LOG_ROWS));
    ODEON_TRY(call_step(s, w, false));
    ODEON_TRY(w->capture->loop_end(s->lane->queue));
    return call_start(s, w);
}

/* ---- recording and replaying them ---- */

static bool has_loops(const walk *w)
{
    return ODEON_HAS(w->capture, odeon_device_capture, loop_begin);
}

static odeon_status take(solver *s, const walk *w, recorded *x)
{
    int64_t evals = *s->field->evals;
    odeon_status status = capture_cache_begin(s->captures, x);
    if (status == ODEON_OK) {
        status = has_loops(w) ? call_loop(s, w) : call_step(s, w, false);
    }
    *s->field->evals = evals; /* calls were counted, but not made */
    solver_let_all_go(s);
    return capture_cache_end(s->captures, x, status);
}

/* Without a recording (x NULL), or with one of each step alone. */
static odeon_status step_by_step(solver *s, const walk *w, const recorded *x, int64_t steps)
{
    ODEON_TRY(call_end(s, w));
    ODEON_TRY(w->from_within ? call_step(s, w, true) : ODEON_OK);
    steps -= w->from_within;
    for (int64_t i = 0; i < steps; i++) {
        ODEON_TRY(x != NULL ? capture_cache_replay(s->captures, x) : call_step(s, w, false));
    }
    *s->field->evals += x != NULL ? steps * w->step->n_evals : 0;
    return call_start(s, w);
}

static odeon_status whole(solver *s, const walk *w, const recorded *x, int64_t steps)
{
    ODEON_TRY(capture_cache_replay(s->captures, x));
    *s->field->evals += steps * w->step->n_evals + (w->start != NULL ? w->start->n_evals : 0);
    return ODEON_OK;
}

/* ROW and STOP: the last row, and at least one. Weights of the output read off its step. */
static odeon_status write_slots(const solver *s, const walk *w, int64_t steps)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    double weights[2 + ODEON_MAX_STAGES];
    if (w->from_within) {
        int32_t n = solver_output_weights(s, s->piece.last_h, s->read_at[1], weights);
        weights[n] = s->read_at[1] < 1.0 ? 0.0 : 1.0;
        ODEON_TRY(ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_ERROR_SUM, n + 1, weights));
    }
    double values[ODEON_SLOT_ROW - ODEON_SLOT_STOP + 1] = {0.0};
    values[ODEON_SLOT_ROW - ODEON_SLOT_STOP] = (double)(steps - 1);
    return ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_STOP,
                            ODEON_SLOT_ROW - ODEON_SLOT_STOP + 1, values);
}

static odeon_status reserve(solver *s, const walk *w)
{
    ODEON_TRY(solver_reserve(s, w->step));
    return w->start != NULL ? solver_reserve(s, w->start) : ODEON_OK;
}

static walk_key key_of(const solver *s, const walk *w)
{
    walk_key key;
    memset(&key, 0, sizeof key);
    key.field = s->field->identity;
    key.self = s->field->abi.self;
    key.d_y[0] = w->d_y[0].data;
    key.d_y[1] = w->d_y[1].data;
    key.d_y0 = w->d_y0->data;
    key.rows = w->rows;
    return key;
}

odeon_status solver_walk_rows(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    walk w = make_walk(s, d_y, d_y0);
    int64_t steps = s->piece.kept;
    recorded *x;
    s->piece.kept = 0;
    s->d_y = d_y;
    ODEON_TRY(reserve(s, &w));
    walk_key key = key_of(s, &w);
    int32_t answer = capture_cache_ask(s->captures, &key, sizeof key, &x);
    if (answer == CAPTURE_CACHE_TAKE && take(s, &w, x) != ODEON_OK) {
        answer = CAPTURE_CACHE_RUN;
    }
    odeon_status status = write_slots(s, &w, steps);
    if (status == ODEON_OK) {
        bool replays = answer != CAPTURE_CACHE_RUN;
        status = replays && has_loops(&w) ? whole(s, &w, x, steps)
                                          : step_by_step(s, &w, replays ? x : NULL, steps);
    }
    solver_reject(s);
    solver_let_all_go(s);
    return status;
}
