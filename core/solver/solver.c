#include "solver/solver.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/adaptive.h"
#include "solver/device_reverse.h"
#include "solver/executor.h"
#include "solver/fixed.h"
#include "solver/implicit.h"
#include "solver/keep.h"
#include "solver/outputs.h"
#include "solver/reverse.h"
#include "solver/step.h"
#include "solver/step_slices.h"
#include "solver/stretch.h"
#include "solver/verb_join.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", path);
}

/* The mode is the block's for life. */
static bool is_adaptive(const solver *s)
{
    return s->spec->mode == ODEON_STEPS_ADAPTIVE;
}

/* The log of an adaptive solve lies right behind the slots, so that both are read at once. */
static odeon_status alloc_slots(solver *s)
{
    const odeon_device *device = s->lane->device;
    uint64_t n = ODEON_SLOTS + (is_adaptive(s) ? SOLVER_LOG_ROWS * ODEON_LOG_COLUMNS : 0);
    void *slots = NULL;
    ODEON_TRY(device->ops->alloc(device->handle, n * sizeof(double), &slots));
    s->slots = slots;
    return ODEON_OK;
}

/* Vectors and frames come with the first solve, when their sizes are known; slots and the cache are
 * needed for any. */
odeon_status solver_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                           const char *path, solver **out)
{
    *out = NULL;
    solver *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return no_memory(path);
    }
    s->lane = lane;
    s->stepper = method;
    s->spec = spec;
    s->path = path;
    odeon_status status = capture_cache_create(lane, &s->captures);
    s->memory = (workspace){.device = lane->device, .captures = s->captures, .path = path};
    s->slices.memory = s->memory;
    if (status == ODEON_OK) {
        status = alloc_slots(s);
    }
    if (status != ODEON_OK) {
        capture_cache_destroy(s->captures);
        mem_free(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

/* Recordings hold addresses, so they go first. */
void solver_destroy(solver *s)
{
    if (s == NULL) {
        return;
    }
    const odeon_device *device = s->lane->device;
    capture_cache_destroy(s->captures);
    workspace_fini(&s->memory);
    step_slices_fini(s);
    buffer_release(device, &s->device.state);
    buffer_release(device, &s->device.rows);
    buffer_release(device, &s->device.running);
    mem_free(s->device.seen);
    device->ops->free(device->handle, s->slots);
    key_fini(&s->key);
    solve_tape_fini(&s->tape);
    kept_steps_fini(&s->kept);
    solve_log_fini(&s->log);
    newton_fini(&s->newton);
    krylov_fini(&s->krylov);
    mem_free(s->outputs.read_at);
    mem_free(s);
}

void solver_share_memory(solver *s, solver *other)
{
    workspace_join(&s->memory, &other->memory);
    workspace_join(&s->slices.memory, &other->slices.memory);
}

void solver_set_replay(solver *s, size_t n, const double (*steps)[2])
{
    s->replay = steps;
    s->n_replay = n;
}

void solver_set_watch(solver *s, solve_watch *watch)
{
    s->watch = watch;
}

/* Results at the end of a pass are of this pass alone. */
void solver_forget(solver *s)
{
    solve_log_clear(&s->log);
    s->diagnosis = (solve_diagnosis){0};
}

void solver_set_steps_before(solver *s, int64_t n)
{
    s->log.steps_before = n;
}

/* ---- solve ---- */

void solver_keep_every(solver *s, int64_t every)
{
    s->task.keep_every = every;
}

/* Frames and states serve a vjp; dense output is a tableau's. */
static odeon_status check_keep(const solver *s, const host_field *field, int32_t keep)
{
    if ((keep & ~(ODEON_KEEP_FRAMES | ODEON_KEEP_STATES | ODEON_KEEP_DENSE)) != 0 ||
        (keep != ODEON_KEEP_NONE && field->frame_bytes == 0)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: this field's steps cannot be kept", s->path);
    }
    return (keep & ODEON_KEEP_DENSE) == 0 || s->stepper->dense
               ? ODEON_OK
               : diag_fail(ODEON_ERR_UNSUPPORTED,
                           "%s: dense output of integrator %s cannot be kept: there is none",
                           s->path, s->stepper->instance->component->id);
}

/* A method that tells terms apart needs two, of which one is stiff. */
static odeon_status terms_fit(const solver *s, const odeon_field *f)
{
    bool both =
        f->n_terms == 2 && ((f->terms[0].flags ^ f->terms[1].flags) & ODEON_TERM_STIFF) != 0;
    return both || !stepper_splits(s->stepper)
               ? ODEON_OK
               : diag_fail(ODEON_ERR_UNSUPPORTED,
                           "%s: integrator %s treats the stiff term of a field apart: the field "
                           "needs one stiff term and one that is not",
                           s->path, s->stepper->instance->component->id);
}

/* All memory that the first step needs; from then on each step reserves for the next. What was kept
 * of the solve before goes first, so that its frames can be used again. */
static odeon_status prepare(solver *s, const host_field *field, int32_t keep, int32_t n_times)
{
    const program *p;
    ODEON_TRY(check_keep(s, field, keep));
    s->task.keep = keep;
    solver_restart(s);
    keep_begin(s);
    ODEON_TRY(terms_fit(s, &field->abi));
    ODEON_TRY(s->stepper->implicit ? implicit_fit(s, field) : ODEON_OK);
    ODEON_TRY(s->stepper->n_parts > 0 ? join_fit(s, field) : ODEON_OK);
    step_fit(s, field);
    ODEON_TRY(stepper_program(s->stepper, 0, &p));
    ODEON_TRY(step_reserve(s, p));
    return outputs_reserve(s, n_times);
}

/* Output 0 is the start. Whatever becomes of the solve, no vector or frame stays in use but those
 * on the tape. Y0 is borrowed from the caller's y[0], which no step writes. */
static odeon_status run_solve(solver *s, void *context)
{
    (void)context;
    s->outputs.next = 1;
    s->step.value[REG_Y0] = (bound_vector){.data = odeon_write(&s->task.y[0])};
    odeon_status status = is_adaptive(s) ? adaptive_solve(s) : fixed_solve(s);
    step_reject(s);
    release_registers(s);
    return status;
}

/* Steps follow from the times, the spec and the method, and the last two never change. The times by
 * their bits: a solve of other times is other calls. */
static void make_solve_key(solver *s)
{
    executor_begin_key(s, KEY_STEPS);
    key_add_bytes(&s->key, s->task.times, (size_t)s->task.n_times * sizeof *s->task.times);
    for (int32_t i = 0; i < s->task.n_times; i++) {
        key_add_address(&s->key, odeon_read(&s->task.y[i].view));
    }
}

/* Steps known beforehand depend on the times alone: the solve is one operation. An adaptive one
 * asks by itself, since only its loop can be captured. */
static execution ask_for_solve(solver *s)
{
    if (is_adaptive(s) || !executor_captures(s) || keep_steps(s) || s->watch != NULL) {
        return executor_eager();
    }
    make_solve_key(s);
    return executor_ask(s);
}

/* Adaptive solves find their own way to the device; steps known beforehand are one operation here.
 */
odeon_status solver_solve(solver *s, const host_field *field, int32_t n_times, const double *times,
                          int32_t keep, const odeon_tensor *y)
{
    ODEON_TRY(prepare(s, field, keep, n_times));
    s->task.n_times = n_times;
    s->task.times = times;
    s->task.y = y;
    odeon_status status = execute(s, ask_for_solve(s), run_solve, NULL);
    s->diagnosis.failed = status != ODEON_OK;
    return status;
}

/* ---- reverse ---- */

/* context: the tensor of the answer. */
static odeon_status run_reverse(solver *s, void *context)
{
    return reverse_tape(s, context);
}

/* However the solve came about, its records and frames say what its reverse is: addresses of frames
 * are in it, since a replay reads them. */
static void make_reverse_key(solver *s, const odeon_view *d_y0)
{
    capture_key *key = &s->key;
    const solve_tape *tape = &s->tape;
    int32_t n = s->task.n_times;
    executor_begin_key(s, KEY_TAPE);
    key_add_address(key, d_y0->data);
    key_add_bytes(key, s->outputs.read_at + 1, (size_t)(n - 1) * sizeof *s->outputs.read_at);
    for (int32_t i = 0; i < n; i++) {
        key_add_address(key, odeon_read(&s->task.d_y[i]));
    }
    key_add_int(key, (int64_t)tape->n_records);
    for (size_t i = 0; i < tape->n_records; i++) {
        const solve_record *r = &tape->records[i];
        const int64_t numbers[] = {r->first_output, r->n_outputs, r->is_start, r->is_first};
        key_add_real(key, r->t);
        key_add_real(key, r->h);
        key_add_address(key, r->program);
        key_add_bytes(key, numbers, sizeof numbers);
    }
    for (size_t i = 0; i < tape->n_frames; i++) {
        key_add_address(key, tape->frames[i]->memory);
    }
}

/* Adaptive steps differ from batch to batch: their tape is never seen twice. */
static execution ask_for_reverse(solver *s, const odeon_view *d_y0)
{
    if (is_adaptive(s) || !executor_captures(s) || s->tape.n_frames > EXECUTOR_MOST_EVALS) {
        return executor_eager();
    }
    make_reverse_key(s, d_y0);
    return executor_ask(s);
}

/* A solve has left a tape or rows, never both. Without either the answer is the cotangent of the
 * start. */
odeon_status solver_reverse(solver *s, const odeon_view *d_y, const odeon_tensor *d_y0)
{
    odeon_tensor start = *d_y0;
    s->task.d_y = d_y;
    return s->device.kept > 0 ? device_reverse(s, &start)
                              : execute(s, ask_for_reverse(s, &start.view), run_reverse, &start);
}

/* ---- stretches ---- */

int64_t solver_n_steps(const solver *s)
{
    return s->log.stats.accepted;
}

int32_t solver_kept(const solver *s, int64_t *every)
{
    *every = (s->task.keep & ODEON_KEEP_STATES) != 0 ? s->kept.every : 0;
    return s->task.keep;
}

/* Steps that the last solve does not have. */
static odeon_status refuse_steps(const solver *s, int64_t first, int64_t last, const char *why)
{
    return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: steps %lld to %lld of the solve's %lld: %s",
                     s->path, (long long)first, (long long)last, (long long)solver_n_steps(s), why);
}

static bool has_steps(const solver *s, int64_t first, int64_t last)
{
    return first >= 0 && first < last && last <= solver_n_steps(s);
}

/* Sizes are in the log, however the solve was made. */
odeon_status solver_step(const solver *s, int64_t step, odeon_tape_step *out)
{
    if (!has_steps(s, step, step + 1)) {
        return refuse_steps(s, step, step + 1, "there is no such step");
    }
    const solve_attempt *attempt = solve_log_step(&s->log, s->first_attempt, step);
    out->t = attempt->t;
    out->h = attempt->h;
    bool kept = kept_steps_has_state(&s->kept, step);
    out->y = vector_tensor(s, kept ? *kept_steps_state(&s->kept, step) : (bound_vector){0}).view;
    return ODEON_OK;
}

odeon_status solver_replay(solver *s, int64_t first, int64_t last)
{
    if (!has_steps(s, first, last)) {
        return refuse_steps(s, first, last, "there are no such steps to make again");
    }
    return kept_steps_has_state(&s->kept, first)
               ? stretch_replay(s, first, last)
               : refuse_steps(s, first, last, "no state is kept to make them again from");
}

/* Steps on the tape, starts not counted. */
static int64_t steps_on_tape(const solve_tape *tape)
{
    int64_t n = 0;
    for (size_t i = 0; i < tape->n_records; i++) {
        n += !tape->records[i].is_start;
    }
    return n;
}

/* Of all steps, in one go, there may be a recording, or rows instead of frames. A recording writes
 * into vectors that were free when it was made: it cannot be where some are kept. */
odeon_status solver_reverse_steps(solver *s, const odeon_gradient_reverse *r)
{
    const solve_tape *tape = &s->tape;
    bool whole = r->first == 0 && r->last == solver_n_steps(s) && r->d_end == NULL &&
                 r->d_start != NULL && tape->first_step == 0;
    bool rows = s->device.kept > 0;
    if (!has_steps(s, r->first, r->last) || (rows && !whole)) {
        return refuse_steps(s, r->first, r->last, "they cannot be reversed by themselves");
    }
    if (!rows &&
        (r->first < tape->first_step || r->last != tape->first_step + steps_on_tape(tape))) {
        return refuse_steps(s, r->first, r->last, "there are no frames of just these");
    }
    if (whole && !keep_steps(s)) {
        return solver_reverse(s, r->d_y, r->d_start);
    }
    s->task.d_y = r->d_y;
    return stretch_reverse(s, r->first, r->d_end, r->d_start);
}

odeon_status solver_dense(const solver *s, double t, const odeon_tensor *y)
{
    return (s->task.keep & ODEON_KEEP_DENSE) != 0 && s->kept.n_steps > 0
               ? stretch_dense(s, t, y)
               : diag_fail(ODEON_ERR_UNSUPPORTED, "%s: no dense output of the solve is kept",
                           s->path);
}

/* ---- results ---- */

solve_stats solver_stats(const solver *s)
{
    return s->log.stats;
}

const solve_attempt *solver_attempts(const solver *s, size_t *n)
{
    *n = s->log.n_attempts;
    return s->log.attempts;
}

const solve_diagnosis *solver_diagnosis(const solver *s)
{
    return &s->diagnosis;
}

int64_t solver_peak_bytes(const solver *s)
{
    return solve_peak_bytes(&s->memory.peak);
}

int64_t solver_peaks_bytes(const solver *other, const solver *s)
{
    return solve_peaks_bytes(&other->memory, &s->memory);
}

void solver_reset_peak(solver *s)
{
    s->memory.peak = (solve_peak){0};
}

double *solver_slots(const solver *s)
{
    return s->slots;
}
