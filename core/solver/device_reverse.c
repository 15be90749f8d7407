/* Every row is reversed by itself: its step is made again into frames, which costs its evaluations
 * a second time, and the cotangents of its end become those of its start. Memory is that of one
 * step however long the solve was, and the same calls serve for every row, so that one recording of
 * them is enough. */
#include "solver/device_reverse.h"

#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/executor.h"
#include "solver/judge.h"
#include "solver/reverse.h"
#include "solver/rows.h"
#include "solver/step.h"

typedef struct reverse_task {
    const program *step, *start; /* start NULL: carry started at zero */
    const odeon_tensor *d_y0;
    int64_t steps; /* that the solve took */
    int32_t rows;  /* ROWS_* that it kept */
    bool within;   /* the end was read within the last step, with weights that slots hold */
} reverse_task;

/* Steps that may pass the end are reversed with the last one apart: the output was read within it.
 */
static reverse_task make_task(const solver *s, const odeon_tensor *d_y0)
{
    const program *start = s->stepper->start;
    bool within = s->spec->end == ODEON_END_INTERPOLATE;
    return (reverse_task){.step = s->stepper->programs[0],
                          .start = start != NULL && start->n_verbs > 0 ? start : NULL,
                          .d_y0 = d_y0,
                          .steps = s->device.kept,
                          .rows = ROWS_STEPS | (within ? ROWS_LAST : 0),
                          .within = within};
}

/* ---- cotangents between two steps ---- */

/* The fixed vector of the cotangent of Y1 (0) or of carry out (1, ...), and its register. They lie
 * behind those of Y0 and carry in. */
static bound_vector end_cotangent(const solver *s, int32_t i)
{
    return fixed_vector(s, 1 + s->stepper->info.n_carry + i);
}

static int32_t end_register(const solver *s, int32_t i)
{
    return i == 0 ? REG_Y1 : reg_carry_out(s->stepper, i - 1);
}

/* Registers of the step and cotangents of its end, all of them vectors that no step frees. */
static void bind_fixed(solver *s)
{
    fixed_vectors_bind(s);
    for (int32_t i = 0; i <= s->stepper->info.n_carry; i++) {
        s->step.cotangent[end_register(s, i)] = end_cotangent(s, i);
    }
}

/* x = value, or 0 without one. */
static odeon_status set(const solver *s, bound_vector x, const odeon_view *value)
{
    odeon_tensor to = vector_tensor(s, x);
    return value != NULL && value->data != NULL
               ? ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = value, .y = &to)
               : ODEON_DO(s->lane->device, move, fill, s->lane->queue, .y = &to,
                          .value = odeon_imm(0.0));
}

/* The cotangent at this step's start, which reverse_run leaves with the registers of its end, moves
 * to the fixed vectors of the previous step's end, where the recording of the next pass looks for
 * it. A register without a cotangent means 0. */
static odeon_status pass_on(solver *s)
{
    for (int32_t i = 0; i <= s->stepper->info.n_carry; i++) {
        bound_vector *cotangent = &s->step.cotangent[end_register(s, i)];
        odeon_tensor value = vector_tensor(s, *cotangent);
        if (cotangent->data != end_cotangent(s, i).data) {
            ODEON_TRY(set(s, end_cotangent(s, i), &value.view));
        }
        workspace_release(&s->memory, cotangent);
    }
    return ODEON_OK;
}

/* ---- the calls ---- */

/* The slot of the weight of Y1, behind those of the registers that dense output is a sum of. */
static int32_t end_slot(const solver *s)
{
    double weights[1 + ODEON_MAX_STAGES];
    return ODEON_SLOT_ERROR_SUM + reverse_output_weights(s, 0.0, 1.0, weights);
}

/* At the end of the solve there is the cotangent of the output alone: what would be carried on has
 * no effect on anything. Where the output was read within the last step its cotangent goes to the
 * registers of that step, by weights; only what it weighs at the step's own end goes to Y1. */
static odeon_status call_end_cotangents(const solver *s, const reverse_task *t)
{
    odeon_tensor end = vector_tensor(s, end_cotangent(s, 0));
    const odeon_view *d_end = &s->task.d_y[1], *x[1] = {d_end};
    for (int32_t i = 1; i <= s->stepper->info.n_carry; i++) {
        ODEON_TRY(set(s, end_cotangent(s, i), NULL));
    }
    if (!t->within || d_end->data == NULL) {
        return set(s, end_cotangent(s, 0), d_end);
    }
    odeon_scalar weight[1] = {odeon_slot(1.0, end_slot(s))};
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &end, .n = 1, .x = x,
                    .coefficient = weight, .slots = s->slots);
}

/* One step: T and H come with the row, so that step_run makes the very step of the solve again. */
static odeon_status reverse_row(solver *s, const reverse_task *t, bool is_last)
{
    solve_record record = {.program = t->step, .by_slots = is_last};
    bind_fixed(s);
    ODEON_TRY(rows_load(s, t->rows));
    ODEON_TRY(step_run(s, t->step));
    ODEON_TRY(reverse_run(s, &record));
    ODEON_TRY(pass_on(s));
    return judge_step_back(s);
}

/* The last step is not one of the loop where the output was read within it: it alone has weights.
 */
static odeon_status call_begin(solver *s, void *context)
{
    const reverse_task *t = context;
    ODEON_TRY(call_end_cotangents(s, t));
    return t->within ? reverse_row(s, t, true) : ODEON_OK;
}

/* A pass of the loop: whichever row the slot ROW names. */
static odeon_status call_step(solver *s, void *context)
{
    return reverse_row(s, context, false);
}

/* The method's start, from the first step's start, which is still in its fixed vectors; it takes no
 * time, so H is 0. Then all that is left is the cotangent of Y0. */
static odeon_status call_end(solver *s, void *context)
{
    const reverse_task *t = context;
    const double no_size = 0.0;
    solve_record record = {.program = t->start, .is_start = true};
    bind_fixed(s);
    if (t->start != NULL) {
        ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                           .first = ODEON_SLOT_H, .n = 1, .values = &no_size));
        ODEON_TRY(step_run(s, t->start));
        ODEON_TRY(reverse_run(s, &record));
    }
    return reverse_finish(s, t->d_y0);
}

/* A step read within is begin's. The whole loop is one pass; otherwise the host knows how many rows
 * there are and does not poll. */
static odeon_status more(solver *s, void *context, int64_t passes, bool whole, bool *out)
{
    const reverse_task *t = context;
    (void)s;
    *out = whole ? passes == 0 : passes < t->steps - t->within;
    return ODEON_OK;
}

/* ---- all ---- */

/* ROW and STOP: the last row, and at least one. Weights of the output read within its step, all 0
 * and that of Y1 1 if it was read at the step's own end after all: the recording serves both. */
static odeon_status write_slots(const solver *s, const reverse_task *t)
{
    double weights[2 + ODEON_MAX_STAGES];
    if (t->within) {
        double x = s->outputs.read_at[1];
        int32_t n = reverse_output_weights(s, s->device.last_h, x, weights);
        weights[n] = x < 1.0 ? 0.0 : 1.0;
        ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                           .first = ODEON_SLOT_ERROR_SUM, .n = n + 1, .values = weights));
    }
    double values[ODEON_SLOT_ROW - ODEON_SLOT_STOP + 1] = {0.0};
    values[ODEON_SLOT_ROW - ODEON_SLOT_STOP] = (double)(t->steps - 1);
    return ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                    .first = ODEON_SLOT_STOP, .n = ODEON_SLOT_ROW - ODEON_SLOT_STOP + 1,
                    .values = values);
}

/* Neither times, sizes nor the number of steps are part of it: they lie in slots and rows. */
static void make_key(solver *s, const reverse_task *t)
{
    executor_begin_key(s, KEY_ROWS);
    key_add_int(&s->key, t->rows);
    key_add_address(&s->key, odeon_read(&s->task.d_y[0]));
    key_add_address(&s->key, odeon_read(&s->task.d_y[1]));
    key_add_address(&s->key, odeon_read(&t->d_y0->view));
}

/* Evaluations of which a replay makes no call: those of the recorded steps, and with them, where
 * the whole loop was recorded, those of the start. */
static int64_t replayed_evals(const reverse_task *t, bool whole)
{
    int64_t start = t->start != NULL ? t->start->n_evals : 0;
    return whole ? t->steps * t->step->n_evals + start : (t->steps - t->within) * t->step->n_evals;
}

/* The slots are written outside of the recording, since they differ from solve to solve. */
static odeon_status reverse_rows(solver *s, reverse_task *t, execution how)
{
    const step_loop loop = {.begin = call_begin,
                            .step = call_step,
                            .end = call_end,
                            .more = more,
                            .context = t,
                            .has_eager_step = true};
    ODEON_TRY(write_slots(s, t));
    ODEON_TRY(execute_loop(s, &how, &loop));
    if (how.answer != CAPTURE_CACHE_RUN) {
        count_evals(s, replayed_evals(t, executor_has_loops(s)));
    }
    return ODEON_OK;
}

/* Memory is reserved before the cache is asked: what allocates drops recordings. kept is 0 from
 * here on, so that rows are never used twice. */
odeon_status device_reverse(solver *s, const odeon_tensor *d_y0)
{
    reverse_task t = make_task(s, d_y0);
    s->device.kept = 0;
    ODEON_TRY(step_reserve(s, t.step));
    ODEON_TRY(t.start != NULL ? step_reserve(s, t.start) : ODEON_OK);
    make_key(s, &t);
    odeon_status status = reverse_rows(s, &t, executor_ask(s));
    step_reject(s);
    release_registers(s);
    return status;
}
