#include "solver/device_solve.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/controller.h"
#include "solver/executor.h"
#include "solver/judge.h"
#include "solver/keep.h"
#include "solver/outputs.h"
#include "solver/rows.h"
#include "solver/step.h"

enum {
    CHUNK = 8,       /* trial steps between two polls, on a device without loops */
    FEWEST_READ = 32 /* rows of the log to read with the slots */
};

/* A solve under way. */
typedef struct device_task {
    const program *step;
    odeon_control control; /* the solver's, with a log */
    double first;          /* size of the first step; 0: chosen automatically */
    int32_t rows;          /* ROWS_* */
    int64_t trials;        /* so far, as polled last */
} device_task;

/* ---- which solves ---- */

/* What this solve has to leave: for a reverse pass, for outputs within steps, for one within the
 * last. */
static int32_t rows_of(const solver *s)
{
    int32_t steps = (s->task.keep & ODEON_KEEP_FRAMES) == 0 ? 0 : ROWS_STEPS;
    if (s->task.n_times > 2) {
        return steps | ROWS_DENSE;
    }
    return steps | (s->spec->end == ODEON_END_CLIP ? 0 : ROWS_LAST);
}

/* Every step must have the same verbs, since the device repeats one recording, and no step may be
 * clipped to an output or a stop on the way, which only the host does. For a reverse pass there may
 * be one output, at the end or within the last step. Behind the end of a chunk the field is
 * evaluated for nothing, which running state must not see. */
static bool suits(const solver *s)
{
    bool uniform = s->stepper->info.n_startup == 0;
    int32_t rows = rows_of(s), both = ROWS_STEPS | ROWS_DENSE;
    bool readable = rows_end_in_place(rows) || (s->stepper->dense && (rows & both) != both);
    return executor_captures(s) && uniform && readable && s->spec->n_stops == 0 && !keep_steps(s) &&
           (executor_has_loops(s) || !s->task.field->moves_state);
}

/* The control's log and rows are the only differences to a solve that the host steers. */
static odeon_status make_task(solver *s, device_task *t)
{
    *t = (device_task){.control = s->control, .rows = rows_of(s)};
    t->first = solve_direction(s) * s->spec->first_step;
    t->control.log = s->slots + ODEON_SLOTS;
    t->control.log_rows = SOLVER_LOG_ROWS;
    t->control.rows = rows_of_each_step(t->rows) ? rows_capacity(s, t->rows) : 0;
    return stepper_program(s->stepper, 0, &t->step);
}

/* Times and numbers of steps lie in slots, so no key depends on them. Nor does it on the capacity
 * of the rows: a recording does not outlive their memory. */
static void make_key(solver *s, const device_task *t)
{
    capture_key *key = &s->key;
    executor_begin_key(s, KEY_LOOP);
    key_add_control(key, &t->control);
    key_add_real(key, t->first);
    key_add_int(key, t->rows);
    key_add_address(key, odeon_read(&s->task.y[0].view));
    key_add_address(key, rows_end_in_place(t->rows) ? odeon_read(&s->task.y[1].view) : NULL);
}

/* Is all memory there that the calls refer to? */
static bool is_ready(const solver *s, const device_task *t)
{
    bool running = !s->task.field->moves_state || s->device.running.data != NULL;
    return rows_capacity(s, t->rows) > 0 && running && s->device.seen != NULL &&
           fixed_vectors_are_there(s);
}

/* ---- running state, which a solve that is done again must not have moved ---- */

/* The copy of the field's running state, in the field's own shape. */
static odeon_tensor kept_running(const solver *s)
{
    odeon_tensor kept = s->task.field->running;
    kept.view.data = s->device.running.data;
    return kept;
}

/* Running state as the solve found it. */
static odeon_status save_running(const solver *s)
{
    odeon_tensor now = s->task.field->running, before = kept_running(s);
    return s->task.field->moves_state
               ? ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &now.view, .y = &before)
               : ODEON_OK;
}

/* After a solve that is to be done again. */
static odeon_status restore_running(const solver *s)
{
    odeon_tensor now = s->task.field->running, before = kept_running(s);
    return s->task.field->moves_state
               ? ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &before.view, .y = &now)
               : ODEON_OK;
}

/* ---- the calls ---- */

/* What the method's start has left in carry in moves to the fixed vectors, where every step of the
 * recording finds it. */
static odeon_status fix_carry(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        bound_vector *in = &s->step.value[reg_carry_in(s->stepper, i)];
        odeon_tensor from = vector_tensor(s, *in), to = vector_tensor(s, fixed_vector(s, 1 + i));
        ODEON_TRY(ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &from.view, .y = &to));
        workspace_release(&s->memory, in);
    }
    fixed_vectors_bind(s);
    return ODEON_OK;
}

/* As controller_first_step, but without reading the result: whatever is wrong sets STOP. */
static odeon_status choose_first_step(solver *s, const device_task *t)
{
    if (t->first == 0.0) {
        bound_vector f0 = {0}, f1 = {0};
        odeon_status status = controller_probe_start(s, &f0, &f1);
        workspace_release(&s->memory, &f0);
        workspace_release(&s->memory, &f1);
        return status;
    }
    ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                       .first = ODEON_SLOT_H, .n = 1, .values = &t->first));
    return ODEON_DO(s->lane->device, solver, step_start, s->lane->queue, .control = &s->control,
                    .phase = 3, .slots = s->slots);
}

/* Everything before the first trial step. y[0] is copied, so that a solve which is to be done again
 * finds it as it was. */
static odeon_status call_begin(solver *s, void *context)
{
    const device_task *t = context;
    odeon_tensor y0 = vector_tensor(s, fixed_vector(s, 0));
    ODEON_TRY(save_running(s));
    ODEON_TRY(
        ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &s->task.y[0].view, .y = &y0));
    s->step.value[REG_Y0] = fixed_vector(s, 0);
    ODEON_TRY(step_begin(s, s->task.times[0]));
    ODEON_TRY(fix_carry(s));
    ODEON_TRY(choose_first_step(s, t));
    return judge_is_at_once(s) ? step_set_stage_times(s, t->step) : ODEON_OK;
}

/* If the step was accepted, its end becomes the next one's start. */
static odeon_status call_accept(const solver *s)
{
    odeon_tensor from[1 + ODEON_MAX_CARRY], to[1 + ODEON_MAX_CARRY];
    const odeon_view *x[1 + ODEON_MAX_CARRY];
    const odeon_tensor *y[1 + ODEON_MAX_CARRY];
    int32_t n = 1 + s->stepper->info.n_carry;
    for (int32_t i = 0; i < n; i++) {
        int32_t end = i == 0 ? REG_Y1 : reg_carry_out(s->stepper, i - 1);
        from[i] = vector_tensor(s, s->step.value[end]);
        to[i] = vector_tensor(s, fixed_vector(s, i));
        x[i] = &from[i].view;
        y[i] = &to[i];
    }
    return ODEON_DO(s->lane->device, solver, select, s->lane->queue, .n = n, .x = x, .y = y,
                    .slots = s->slots, .slot = ODEON_SLOT_ACCEPT);
}

/* What a trial step computes. The judge of the step before, or the begin, has left its times where
 * the device judges at once. */
static odeon_status run_step(solver *s, const program *p)
{
    s->step.timed = judge_is_at_once(s);
    odeon_status status = step_run(s, p);
    s->step.timed = false;
    return status;
}

/* One trial step. Whether it is accepted is known to the device alone. Rows have T and H of the
 * step, which are the next one's once it is judged. */
static odeon_status call_step(solver *s, void *context)
{
    const device_task *t = context;
    ODEON_TRY(run_step(s, t->step));
    ODEON_TRY(rows_store(s, t->rows));
    ODEON_TRY(judge_step(s, t->step, &t->control));
    ODEON_TRY(call_accept(s));
    step_reject(s); /* only releases what the step used: nobody knows how it went */
    return ODEON_OK;
}

/* The output, if that is the last step's own end; select writes nothing unless DONE is set. */
static odeon_status call_end(solver *s, void *context)
{
    const device_task *t = context;
    odeon_tensor end = vector_tensor(s, fixed_vector(s, 0));
    const odeon_view *x[1] = {&end.view};
    const odeon_tensor *y[1] = {&s->task.y[1]};
    return !rows_end_in_place(t->rows)
               ? ODEON_OK
               : ODEON_DO(s->lane->device, solver, select, s->lane->queue, .n = 1, .x = x, .y = y,
                          .slots = s->slots, .slot = ODEON_SLOT_DONE);
}

/* A pass on a device without loops: it cannot know which chunk is the last. */
static odeon_status call_chunk(solver *s, void *context)
{
    for (int i = 0; i < CHUNK; i++) {
        ODEON_TRY(call_step(s, context));
    }
    return call_end(s, context);
}

/* The end of a chunk is part of it. */
static odeon_status call_nothing(solver *s, void *context)
{
    (void)s;
    (void)context;
    return ODEON_OK;
}

/* ---- what the host reads of it ---- */

/* Of the log as the host read it last, [ODEON_LOG_COLUMNS]. */
static const double *log_row(const solver *s, int64_t i)
{
    return s->device.seen + ODEON_SLOTS + i * ODEON_LOG_COLUMNS;
}

/* Reads slots and log, and waits for that. As many rows as the last solve left, and some, come with
 * the slots; only if there are more, a second read fetches the rest. */
static odeon_status poll(solver *s, device_task *t)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    double *seen = s->device.seen;
    int64_t n = ODEON_SLOTS + s->device.n_read * ODEON_LOG_COLUMNS;
    ODEON_TRY(ops->download(s->lane->queue, seen, s->slots, (uint64_t)n * sizeof *seen));
    t->trials = (int64_t)seen[ODEON_SLOT_TRIALS];
    int64_t rest = ODEON_SLOTS + t->trials * ODEON_LOG_COLUMNS - n;
    int64_t rows = t->trials + t->trials / 4 + 8;
    rows = rows > FEWEST_READ ? rows : FEWEST_READ;
    s->device.n_read = rows < SOLVER_LOG_ROWS ? rows : SOLVER_LOG_ROWS;
    return rest <= 0 ? ODEON_OK
                     : ops->download(s->lane->queue, seen + n, s->slots + n,
                                     (uint64_t)rest * sizeof *seen);
}

/* Nothing is polled before the first pass. With loops there is one pass, which comes to STOP by
 * itself. */
static odeon_status more(solver *s, void *context, int64_t passes, bool whole, bool *out)
{
    (void)whole;
    *out = true;
    if (passes > 0) {
        ODEON_TRY(poll(s, context));
        *out = s->device.seen[ODEON_SLOT_STOP] == 0.0;
    }
    return ODEON_OK;
}

/* Did the solve come to its end, by an accepted step? A failure, a limit, or a log that is full
 * leaves it short of that. */
static bool has_succeeded(const solver *s, const device_task *t)
{
    return t->trials > 0 && log_row(s, t->trials - 1)[ODEON_LOG_ACCEPT] != 0.0 &&
           outputs_reached(s, s->device.seen[ODEON_SLOT_T], s->task.n_times - 1);
}

/* Reads what an accepted step that ends at t_end has come to, off its row. The last step's end is
 * where the loop has left it. */
static odeon_status read_row(solver *s, int32_t rows, const double *step, double t_end, int64_t row)
{
    rows_bind(s, rows, row);
    if (row + 1 == (int64_t)s->device.seen[ODEON_SLOT_STEPS]) {
        s->step.value[REG_Y1] = fixed_vector(s, 0);
    }
    return outputs_read(s, step[ODEON_LOG_T], step[ODEON_LOG_H], t_end);
}

/* A step ends where the next trial begins, and the last one where T stands now. Rejected trials
 * have no row. */
static odeon_status read_outputs(solver *s, const device_task *t)
{
    int64_t row = 0;
    if (rows_end_in_place(t->rows)) { /* written already */
        s->outputs.read_at[s->outputs.next++] = 1.0;
        return ODEON_OK;
    }
    for (int64_t i = 0; i < t->trials; i++) {
        const double *step = log_row(s, i);
        bool last = i + 1 == t->trials;
        double t_end = last ? s->device.seen[ODEON_SLOT_T] : step[ODEON_LOG_COLUMNS + ODEON_LOG_T];
        if (step[ODEON_LOG_ACCEPT] == 0.0) {
            continue;
        }
        if (s->outputs.next < s->task.n_times && outputs_reached(s, t_end, s->outputs.next)) {
            ODEON_TRY(read_row(s, t->rows, step, t_end, row));
        }
        row++;
    }
    return ODEON_OK;
}

/* The device's log becomes the host's, as if each trial had been read; from here on nobody can tell
 * how the solve was made. */
static odeon_status take_log(solver *s, const device_task *t, int64_t evals)
{
    int64_t steps = (int64_t)s->device.seen[ODEON_SLOT_STEPS];
    ODEON_TRY(reserve_host(s, 0, 0, s->log.n_attempts + (size_t)t->trials));
    for (int64_t i = 0; i < t->trials; i++) {
        const double *step = log_row(s, i);
        solve_log_add(&s->log, step[ODEON_LOG_T], step[ODEON_LOG_H], step[ODEON_LOG_ERROR],
                      step[ODEON_LOG_ACCEPT] != 0.0 ? ATTEMPT_ACCEPTED : ATTEMPT_REJECTED);
    }
    count_evals(s, evals);
    s->step.index = steps;
    s->device.kept = (t->rows & ROWS_STEPS) != 0 ? steps : 0;
    s->device.last_h = log_row(s, t->trials - 1)[ODEON_LOG_H];
    workspace_note_records(&s->memory, rows_bytes(s, t->rows, steps));
    return read_outputs(s, t);
}

/* ---- all ---- */

/* Undone to the mark where the device did not succeed. */
static odeon_status solve(solver *s, device_task *t, execution how, bool *solved)
{
    solver_mark mark = solver_mark_here(s);
    bool loops = executor_has_loops(s);
    step_loop loop = {.begin = call_begin,
                      .step = loops ? call_step : call_chunk,
                      .end = loops ? call_end : call_nothing,
                      .more = more,
                      .context = t};
    ODEON_TRY(controller_write_slots(s));
    ODEON_TRY(execute_loop(s, &how, &loop));
    *solved = has_succeeded(s, t);
    if (!*solved) {
        solver_rollback(s, &mark);
        return t->trials > 0 ? restore_running(s) : ODEON_OK;
    }
    /* with loops a recording holds the evaluations of begin and of one step */
    int64_t each = t->step->n_evals;
    int64_t begin = loops ? executor_recorded_evals(how.key) - each : 0;
    return take_log(s, t, begin + t->trials * each);
}

/* A key is first run step by step, which fits the memory (device_solve_prepare); it is captured
 * when it is asked for the second time. */
odeon_status device_solve(solver *s, bool *solved)
{
    device_task t;
    int32_t keep = s->task.keep;
    *solved = false;
    s->device.key = NULL;
    if (!suits(s)) {
        return ODEON_OK;
    }
    ODEON_TRY(make_task(s, &t));
    make_key(s, &t);
    execution how = executor_ask(s);
    s->device.key = how.key;
    if (how.answer == CAPTURE_CACHE_RUN || !is_ready(s, &t)) {
        return ODEON_OK;
    }
    s->task.keep = ODEON_KEEP_NONE; /* no frames: what is kept are rows */
    odeon_status status = solve(s, &t, how, solved);
    s->task.keep = keep;
    release_registers(s);
    return status;
}

/* ---- memory ---- */

/* The log is read further than it has been written, so it must hold numbers: it is cleared once. */
static odeon_status fit_log(solver *s)
{
    size_t n = ODEON_SLOTS + SOLVER_LOG_ROWS * ODEON_LOG_COLUMNS;
    odeon_tensor all = {.view.data = s->slots,
                        .view.shape.dim = {(int64_t)n},
                        .view.shape.ndim = 1,
                        .view.shape.dtype = ODEON_DTYPE_F64};
    if (s->device.seen != NULL) {
        return ODEON_OK;
    }
    s->device.seen = mem_zalloc(n, sizeof *s->device.seen);
    s->device.n_read = FEWEST_READ;
    return s->device.seen != NULL ? ODEON_DO(s->lane->device, move, fill, s->lane->queue, .y = &all,
                                             .value = odeon_imm(0.0))
                                  : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a log", s->path);
}

/* Rows for half as many steps again as this solve took, and some: the next batch may need a few
 * more, and a solve that runs out of rows is done again by the host. */
static odeon_status fit_memory(solver *s, const device_task *t)
{
    const host_field *field = s->task.field;
    int64_t steps = s->log.stats.accepted, needed = rows_of_each_step(t->rows) ? steps : 1;
    ODEON_TRY(fit_log(s));
    ODEON_TRY(fixed_vectors_fit(s));
    if (field->moves_state) {
        int64_t bytes = odeon_count(&field->running.view.shape) * odeon_dtype_bytes(s->lane->dtype);
        ODEON_TRY(buffer_fit(s->lane->device, &s->device.running, bytes));
    }
    return needed <= rows_capacity(s, t->rows) ? ODEON_OK
                                               : rows_fit(s, t->rows, steps + steps / 2 + 8);
}

/* A longer log or more rows than there is memory for: not worth, or not possible, to capture. The
 * solve has succeeded, so nothing here is an error; the key is declined, or the cache would have it
 * recorded with memory that is not there. */
void device_solve_prepare(solver *s)
{
    device_task t;
    if (s->device.key == NULL) {
        return;
    }
    if (s->log.stats.accepted + s->log.stats.rejected >= SOLVER_LOG_ROWS) {
        capture_cache_decline(s->captures, s->device.key, "a solve has too many steps");
    } else if (make_task(s, &t) != ODEON_OK || fit_memory(s, &t) != ODEON_OK) {
        const diag_reason reason = diag_take();
        capture_cache_decline(s->captures, s->device.key, reason.text);
    }
}
