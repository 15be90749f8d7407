#include "solver/lanes.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "solver/lanes_step.h"
#include "solver/outputs.h"
#include "solver/solver.h"

/* ---- life ---- */

static const odeon_device_lanes *operators_of(const odeon_device *device)
{
    const odeon_device_lanes *ops = device->get_table(device, ODEON_DEVICE_LANES);
    return ops != NULL && device->solver == ops->solver ? ops : NULL;
}

const char *lanes_prevented(const device_lane *lane, const stepper *method,
                            const odeon_ode_spec *spec)
{
    if (spec->mode != ODEON_STEPS_ADAPTIVE) {
        return "steps are given";
    }
    if (method->tableau == NULL || method->needs_host || method->info.n_startup != 0 ||
        (method->info.n_carry > 0 && method->start == NULL)) {
        return "the integrator is no explicit tableau";
    }
    return operators_of(lane->device) == NULL ? "the device has no operators for it" : NULL;
}

odeon_status lanes_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                          const char *path, lanes **out)
{
    *out = NULL;
    lanes *l = mem_zalloc(1, sizeof *l);
    if (l == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", path);
    }
    l->lane = lane;
    l->ops = operators_of(lane->device);
    l->stepper = method;
    l->spec = spec;
    l->path = path;
    odeon_status status = solver_create(lane, method, spec, path, &l->one);
    if (status != ODEON_OK) {
        mem_free(l);
        return status;
    }
    *out = l;
    return ODEON_OK;
}

/* The lists are given back with the rows; the solver that stands for them has none of them. */
void lanes_destroy(lanes *l)
{
    if (l == NULL) {
        return;
    }
    lanes_release(l);
    solver_destroy(l->one);
    mem_free(l);
}

/* ---- control blocks ---- */

/* Slots [first, first + count) of the live rows from values [n_live, count]. */
static odeon_status write_slots(lanes *l, int64_t n, int32_t first, int32_t count,
                                const double *values)
{
    odeon_lanes entries = lanes_entries(l, n);
    return l->ops->write(l->lane->queue,
                         &(odeon_lanes_write){.struct_size = sizeof(odeon_lanes_write),
                                              .lanes = &entries,
                                              .values = values,
                                              .first = first,
                                              .count = count});
}

/* Slots T to LAST of n listed blocks, to numbers. Waits for the device. */
static odeon_status read_trials(lanes *l, int64_t n, trial *out)
{
    odeon_lanes entries = lanes_entries(l, n);
    ODEON_TRY(
        l->ops->read(l->lane->queue, &(odeon_lanes_read){.struct_size = sizeof(odeon_lanes_read),
                                                         .lanes = &entries,
                                                         .y = (double *)(void *)l->seen.data,
                                                         .count = ODEON_SLOT_LAST + 1}));
    return l->lane->device->ops->download(l->lane->queue, out, l->seen.data,
                                          (uint64_t)n * sizeof *out);
}

/* The trials of the live rows become their rows'. */
static odeon_status take_trials(lanes *l)
{
    trial *seen = (trial *)(void *)l->numbers;
    static_assert(sizeof(trial) <= ODEON_MAX_STAGES * sizeof(double), "they fit where numbers do");
    ODEON_TRY(read_trials(l, l->n_live, seen));
    for (int64_t i = 0; i < l->n_live; i++) {
        l->rows[l->live[i]].now = seen[i];
    }
    return ODEON_OK;
}

static odeon_status start_phase(lanes *l, int64_t n, int32_t phase)
{
    odeon_lanes entries = lanes_entries(l, n);
    return l->ops->step_start(l->lane->queue,
                              &(odeon_lanes_step){.struct_size = sizeof(odeon_lanes_step),
                                                  .lanes = &entries,
                                                  .control = &l->control,
                                                  .phase = phase});
}

/* ---- the tape ---- */

/* Frames of a program for the live rows, where a reverse will follow. */
static odeon_status take_frames(lanes *l, const program *p, lane_round *out)
{
    *out = (lane_round){.n = l->n_live,
                        .first = l->n_steps,
                        .before = frame_stack_mark(&l->frames),
                        .frame_bytes = workspace_aligned(l->field->frame_bytes)};
    if (!l->task.keep) {
        return ODEON_OK;
    }
    if (l->field->frame_bytes == 0) { /* its evaluations cannot be kept */
        return lanes_give_up(l);
    }
    ODEON_TRY(lanes_reserve_round(l, l->n_live));
    return frame_stack_push(&l->frames, l->lane->device, p->n_evals * out->frame_bytes,
                            &out->frames);
}

/* A round in which no step was accepted leaves nothing. */
static void push_round(lanes *l, const lane_round *round)
{
    bool any = false;
    for (int64_t i = 0; i < round->n; i++) {
        any = any || l->now[i].accepted;
    }
    if (!l->task.keep || !any) {
        frame_stack_return(&l->frames, &round->before);
        return;
    }
    memcpy(l->steps + l->n_steps, l->now, (size_t)round->n * sizeof *l->now);
    l->n_steps += (size_t)round->n;
    l->tape[l->n_tape++] = *round;
}

/* Frames of a round that was given up lie on no tape. */
static void clear_tape(lanes *l)
{
    const frame_mark empty = {0};
    frame_stack_return(&l->frames, &empty);
    l->n_tape = 0;
    l->n_steps = 0;
}

/* ---- the start ---- */

/* The method's start, which fills carry in: as step_begin of step.h. */
static odeon_status run_start(lanes *l)
{
    const program *p = l->stepper->start;
    lane_round round;
    if (p == NULL || p->n_verbs == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(take_frames(l, p, &round));
    ODEON_TRY(lanes_run(l, p, round.frames, round.frame_bytes));
    round.is_start = true;
    for (int64_t i = 0; i < l->n_live; i++) {
        double t0 = l->rows[l->live[i]].now.slots[ODEON_SLOT_T];
        l->now[i] = (lane_step){.row = l->live[i], .first_output = 1, .accepted = true, .t = t0};
    }
    push_round(l, &round);
    l->value[REG_Y1] = l->own[REG_Y0];
    return lanes_advance(l);
}

/* f(t0, y0), from the carry where the start has just evaluated it: as in controller.c. */
static odeon_status slope_at_start(lanes *l, char **f0)
{
    const program *start = l->stepper->start;
    const double zero = 0.0;
    for (int32_t v = 0; start != NULL && v < start->n_verbs; v++) {
        const verb *w = &start->verbs[v];
        int32_t carry = w->out - reg_carry_out(l->stepper, 0);
        bool carried = carry >= 0 && carry < l->stepper->info.n_carry;
        if (carried && w->kind == VERB_EVAL && w->in == REG_Y0 && w->c == 0.0) {
            *f0 = l->own[reg_carry_in(l->stepper, carry)];
            return ODEON_OK;
        }
    }
    *f0 = l->next_value[0];
    ODEON_TRY(lanes_stage_times(l, l->n_live, 1, &zero));
    return lanes_eval(l, l->n_live, 0, ODEON_TERMS_ALL, l->own[REG_Y0], *f0, NULL);
}

/* One explicit Euler step of size H, and f at its end. */
static odeon_status euler_probe(lanes *l, char *f0, char *y1, char *f1)
{
    const double one = 1.0;
    odeon_lanes entries = lanes_entries(l, l->n_live);
    odeon_tensor y = lanes_rows_tensor(l, y1, l->n_live), k = lanes_rows_tensor(l, f0, l->n_live);
    odeon_tensor base = lanes_rows_tensor(l, l->own[REG_Y0], l->n_live);
    const odeon_view *x[1] = {&k.view};
    const odeon_scalar h[1] = {odeon_slot(1.0, ODEON_SLOT_H)};
    ODEON_TRY(l->ops->lincomb(l->lane->queue,
                              &(odeon_lanes_lincomb){.struct_size = sizeof(odeon_lanes_lincomb),
                                                     .lanes = &entries,
                                                     .y = &y,
                                                     .base = &base.view,
                                                     .x = x,
                                                     .coefficient = h,
                                                     .n = 1}));
    ODEON_TRY(lanes_stage_times(l, l->n_live, 1, &one));
    return lanes_eval(l, l->n_live, 0, ODEON_TERMS_ALL, y1, f1, NULL);
}

/* Hairer's first step of each row: controller_probe_start, without its nearer probes. */
static odeon_status automatic_start(lanes *l)
{
    static const odeon_scalar one[1] = {{.imm = 1.0, .slot = -1}};
    static const odeon_scalar difference[2] = {{.imm = 1.0, .slot = -1}, {.imm = -1.0, .slot = -1}};
    char *y0 = l->own[REG_Y0], *f0, *f1 = l->own[REG_ERROR];
    ODEON_TRY(slope_at_start(l, &f0));
    ODEON_TRY(lanes_scaled_sum(l, 0, y0, y0, 1, &y0, one));
    ODEON_TRY(start_phase(l, l->n_live, 0));
    ODEON_TRY(lanes_scaled_sum(l, 0, y0, y0, 1, &f0, one));
    ODEON_TRY(start_phase(l, l->n_live, 1));
    ODEON_TRY(euler_probe(l, f0, l->own[REG_Y1], f1));
    char *pair[2] = {f1, f0};
    ODEON_TRY(lanes_scaled_sum(l, 0, y0, y0, 2, pair, difference));
    return start_phase(l, l->n_live, 2);
}

static odeon_status given_start(lanes *l)
{
    for (int64_t i = 0; i < l->n_live; i++) {
        const solver *s = lanes_as_row(l, l->live[i]);
        l->numbers[2 * i] = s->task.times[0];
        l->numbers[2 * i + 1] = solve_direction(s) * l->spec->first_step;
    }
    ODEON_TRY(write_slots(l, l->n_live, ODEON_SLOT_T, 2, l->numbers));
    return start_phase(l, l->n_live, 3);
}

static void begin_rows(lanes *l)
{
    l->n_live = l->task.rows;
    for (int64_t i = 0; i < l->task.rows; i++) {
        lane_row *x = &l->rows[i];
        l->live[i] = (int32_t)i;
        x->next = 1;
        x->finished = false;
        x->unclipped_h = 0.0;
        solve_log_clear(&x->log);
        solve_log_restart(&x->log);
    }
}

static odeon_status begin_blocks(lanes *l)
{
    static_assert((int)CONTROLLER_FIRST_SLOTS <= (int)ODEON_MAX_STAGES, "there is room for them");
    for (int64_t i = 0; i < l->n_live; i++) {
        double *values = l->numbers + i * CONTROLLER_FIRST_SLOTS;
        controller_first_slots(lanes_as_row(l, l->live[i]), values);
        l->rows[i].now.slots[ODEON_SLOT_T] = values[ODEON_SLOT_T];
    }
    return write_slots(l, l->n_live, ODEON_SLOT_T, CONTROLLER_FIRST_SLOTS, l->numbers);
}

/* A row's norm is over its own elements, whatever the field says of all entries. */
static odeon_status begin_control(lanes *l)
{
    solver *s = l->one;
    s->task.field = l->field;
    ODEON_TRY(controller_init(s));
    s->control.count[0] = l->task.width;
    l->control = s->control;
    return ODEON_OK;
}

static odeon_status begin(lanes *l)
{
    odeon_tensor y0 = lanes_flat_tensor(l, l->own[REG_Y0], l->task.rows);
    begin_rows(l);
    ODEON_TRY(lanes_fit_field(l));
    ODEON_TRY(begin_control(l));
    ODEON_TRY(lanes_upload_live(l));
    ODEON_TRY(begin_blocks(l));
    ODEON_TRY(
        ODEON_DO(l->lane->device, move, copy, l->lane->queue, .x = &l->task.y[0].view, .y = &y0));
    ODEON_TRY(run_start(l));
    ODEON_TRY(l->spec->first_step != 0.0 ? given_start(l) : automatic_start(l));
    return take_trials(l);
}

/* ---- a round ---- */

static bool underflows(const trial *x)
{
    return x->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW;
}

/* What would end a solve before its next step. */
static bool can_step(const lanes *l, int32_t row)
{
    const trial *now = &l->rows[row].now;
    double h = now->slots[ODEON_SLOT_H];
    return isfinite(h) && h != 0.0 && !underflows(now) &&
           controller_steps_left(lanes_as_row(l, row)) > 0;
}

/* Notes where the outputs are read that an accepted step has come to. */
static void place_outputs(lanes *l, lane_step *x, double t_end)
{
    lane_row *row = &l->rows[x->row];
    const solver *s = lanes_as_row(l, x->row);
    double *read_at = l->read_at + (int64_t)x->row * l->task.n_times;
    x->first_output = row->next;
    while (row->next < l->task.n_times && outputs_reached(s, t_end, row->next)) {
        read_at[row->next] = output_place(s, row->next, x->t, x->h, t_end);
        row->next++;
    }
    x->n_outputs = row->next - x->first_output;
}

/* Takes the step of entry i, or not. False: it needs a solve of its own to say why it cannot go on.
 * The reverse of a round counts rejected steps with cotangents of 0, which NaN would spoil. */
static bool judge_row(lanes *l, int64_t i, const trial *after)
{
    lane_row *row = &l->rows[l->live[i]];
    const double *before = row->now.slots;
    double error = after->slots[ODEON_SLOT_ERROR], h = before[ODEON_SLOT_H];
    bool accepted = after->slots[ODEON_SLOT_ACCEPT] != 0.0;
    lane_step *x = &l->now[i];
    *x = (lane_step){.row = l->live[i], .accepted = accepted, .t = before[ODEON_SLOT_T], .h = h};
    solve_log_add(&row->log, x->t, h, error, accepted ? ATTEMPT_ACCEPTED : ATTEMPT_REJECTED);
    row->unclipped_h = !accepted ? 0.0 : before[ODEON_SLOT_LAST] == 0.0 ? h : row->unclipped_h;
    if (accepted) {
        place_outputs(l, x, after->slots[ODEON_SLOT_T]);
    }
    row->finished = row->next == l->task.n_times;
    row->now = *after;
    return (row->finished || !underflows(after)) && (accepted || !l->task.keep || isfinite(error));
}

static odeon_status judge(lanes *l)
{
    trial *seen = (trial *)(void *)l->numbers;
    odeon_lanes entries = lanes_entries(l, l->n_live);
    ODEON_TRY(l->ops->step_control(l->lane->queue,
                                   &(odeon_lanes_step){.struct_size = sizeof(odeon_lanes_step),
                                                       .lanes = &entries,
                                                       .control = &l->control}));
    ODEON_TRY(read_trials(l, l->n_live, seen));
    for (int64_t i = 0; i < l->n_live; i++) {
        if (!judge_row(l, i, &seen[i])) {
            return lanes_give_up(l);
        }
    }
    return ODEON_OK;
}

/* The step of these rows was clipped to an output or a stop, and there are more: as
 * controller_resume, whose writes these are. LIST_BLOCK names them from here on. */
static odeon_status resume_rows(lanes *l, int64_t n)
{
    const int32_t *row = lanes_list(l, LIST_BLOCK);
    enum { KEPT = ODEON_SLOT_LAST - ODEON_SLOT_STEPS };
    double *end = l->numbers, *step = end + n, *kept = step + 2 * n;
    for (int64_t i = 0; i < n; i++) {
        const double *now = l->rows[row[i]].now.slots;
        step[2 * i] = now[ODEON_SLOT_T];
        step[2 * i + 1] = controller_resumed_step(lanes_as_row(l, row[i]), now[ODEON_SLOT_T],
                                                  now[ODEON_SLOT_H], &end[i]);
        memcpy(kept + i * KEPT, now + ODEON_SLOT_STEPS, KEPT * sizeof *kept);
    }
    ODEON_TRY(lanes_upload(l, LIST_BLOCK, n));
    ODEON_TRY(write_slots(l, n, ODEON_SLOT_END, 1, end));
    ODEON_TRY(write_slots(l, n, ODEON_SLOT_T, 2, step));
    ODEON_TRY(start_phase(l, n, 3));
    ODEON_TRY(write_slots(l, n, ODEON_SLOT_STEPS, KEPT, kept));
    trial *seen = (trial *)(void *)l->numbers;
    ODEON_TRY(read_trials(l, n, seen));
    for (int64_t i = 0; i < n; i++) {
        l->rows[row[i]].now = seen[i];
    }
    return ODEON_OK;
}

static odeon_status resume(lanes *l)
{
    int32_t *list = lanes_list(l, LIST_BLOCK);
    int64_t n = 0;
    for (int64_t i = 0; i < l->n_live; i++) {
        if (l->rows[l->live[i]].now.slots[ODEON_SLOT_DONE] != 0.0) {
            list[n++] = l->live[i];
        }
    }
    if (n == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(resume_rows(l, n));
    return lanes_upload_live(l);
}

static odeon_status round_of_steps(lanes *l)
{
    const program *p;
    lane_round round;
    ODEON_TRY(stepper_program(l->stepper, 0, &p));
    for (int64_t i = 0; i < l->n_live; i++) {
        if (!can_step(l, l->live[i])) {
            return lanes_give_up(l);
        }
    }
    ODEON_TRY(lanes_reserve_logs(l));
    ODEON_TRY(take_frames(l, p, &round));
    ODEON_TRY(lanes_run(l, p, round.frames, round.frame_bytes));
    ODEON_TRY(lanes_error_sums(l, p));
    ODEON_TRY(judge(l));
    ODEON_TRY(lanes_read_outputs(l));
    push_round(l, &round);
    l->rounds++;
    ODEON_TRY(lanes_advance(l));
    return resume(l);
}

/* ---- a solve ---- */

/* From the one list of all to the solve's vectors. */
static odeon_status give_outputs(lanes *l)
{
    int64_t bytes = l->task.rows * l->task.width * odeon_dtype_bytes(l->lane->dtype);
    for (int32_t i = 1; i < l->task.n_times; i++) {
        odeon_tensor x = lanes_flat_tensor(l, l->outputs.data + i * bytes, l->task.rows);
        ODEON_TRY(ODEON_DO(l->lane->device, move, copy, l->lane->queue, .x = &x.view,
                           .y = &l->task.y[i]));
    }
    return ODEON_OK;
}

/* Lists number all outputs of all rows by 32 bits. */
static bool can_be_listed(const lanes_task *task)
{
    int64_t n;
    return checked_mul(task->rows, task->n_times, &n) && n <= INT32_MAX;
}

static odeon_status solve(lanes *l)
{
    ODEON_TRY(can_be_listed(&l->task) ? ODEON_OK : lanes_give_up(l));
    ODEON_TRY(lanes_fit(l));
    ODEON_TRY(begin(l));
    while (l->n_live > 0) {
        ODEON_TRY(round_of_steps(l));
    }
    return give_outputs(l);
}

odeon_status lanes_solve(lanes *l, const lanes_task *task, bool *solved)
{
    clear_tape(l);
    l->task = *task;
    l->calls = l->evaluated = l->rounds = 0;
    l->gave_up = false;
    odeon_status status = solve(l);
    *solved = status == ODEON_OK;
    if (status != ODEON_OK) {
        clear_tape(l);
    }
    if (l->gave_up) {
        diag_clear();
        return ODEON_OK;
    }
    return status;
}

/* ---- results ---- */

const solve_log *lanes_log(const lanes *l, int64_t row)
{
    return &l->rows[row].log;
}

void lanes_counts(const lanes *l, int64_t *calls, int64_t *rows)
{
    *calls = l->calls;
    *rows = l->evaluated;
}

int64_t lanes_peak_bytes(const lanes *l)
{
    int64_t records = (int64_t)(l->n_tape * sizeof *l->tape + l->n_steps * sizeof *l->steps);
    return l->frames.peak + l->vectors.bytes + l->outputs.bytes + records;
}

void lanes_reset_peak(lanes *l)
{
    l->frames.peak = l->frames.in_use;
}
