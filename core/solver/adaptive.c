/* The loops: which steps are taken. */
#include "solver/solver.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "solver/captured_adaptive.h"
#include "solver/cause.h"

odeon_status solver_set_step(solver *s, double t, double h)
{
    double values[2] = {t, h};
    return s->lane->device->ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_T, 2, values);
}

odeon_status solver_fail(const solver *s, double t, double h, double error, const char *what,
                         const char *remedy)
{
    char reason[DIAG_MESSAGE_BYTES], size[32] = "", judged[40] = "";
    (void)snprintf(reason, sizeof reason, "%s", diag_message());
    diag_clear();
    if (!isnan(h)) {
        (void)snprintf(size, sizeof size, ", h = %.3g", h);
    }
    if (!isnan(error)) {
        (void)snprintf(judged, sizeof judged, ", scaled error %.3g", error);
    }
    return diag_fail(ODEON_ERR_NUMERIC,
                     "%s: %s at t = %.9g%s%s, after %lld evaluations, %lld accepted and %lld "
                     "rejected steps%s%s%s; %s",
                     s->path, what, t, size, judged, (long long)s->evals,
                     (long long)s->stats.accepted, (long long)s->stats.rejected,
                     reason[0] == '\0' ? "" : " (", reason, reason[0] == '\0' ? "" : ")", remedy);
}

/* ---- steps chosen by the error ---- */

/* Where steps from t are cut short: at the next stop, and before it at the next output, or only at
 * the last one if the others can be read off dense output; a step that may reach beyond that one
 * too is not cut for it: only the direction matters. */
static double cut_at(const solver *s, double t)
{
    double end = s->times[s->stepper->dense ? s->n_times - 1 : s->next];
    if (s->stepper->dense && s->spec->end == ODEON_END_INTERPOLATE) {
        end = solver_direction(s) * (double)INFINITY;
    }
    return solver_next_stop(s, t, end);
}

/* A step too small to matter within the span is an underflow even at t = 0, where any h would still
 * move t. */
static double least_step(const solver *s)
{
    return DBL_EPSILON * fabs(s->times[s->n_times - 1] - s->times[0]);
}

static void set_control(solver *s)
{
    odeon_control *c = &s->control;
    *c = s->spec->control;
    c->struct_size = sizeof *c;
    c->n_parts = s->field->abi.n_parts;
    for (int32_t i = 0; i < c->n_parts; i++) {
        const odeon_part *part = &s->field->abi.parts[i];
        c->count[i] = (part->flags & ODEON_PART_NO_NORM) != 0 ? 0 : part->n_global;
    }
    double order = s->spec->exponents_per_order != 0 ? s->stepper->info.order : 1.0;
    for (int i = 0; i < 3; i++) {
        c->beta[i] /= order;
    }
    c->beta_reject /= order;
    c->start_exponent /= order;
}

/* The workers' shares of ERROR_SUM become the whole; mine is how far this worker has come. */
static odeon_status reduce_error(solver *s, odeon_status mine)
{
    const odeon_group *group = &s->lane->group->abi;
    if (mine != ODEON_OK) {
        return worker_group_share(s->lane->group, mine);
    }
    return group->reduce_slots(group->self, s->lane->queue, s->slots, ODEON_SLOT_ERROR_SUM,
                               s->control.n_parts, s->control.norm == ODEON_NORM_MAX, ODEON_OK);
}

static odeon_status start_phase(solver *s, int32_t phase, held y0, int32_t n, const held *x,
                                const odeon_scalar *coefficients, odeon_status mine)
{
    if (mine == ODEON_OK) {
        mine = solver_scaled_sums(s, y0, y0, n, x, coefficients);
    }
    ODEON_TRY(reduce_error(s, mine));
    return s->lane->device->ops->step_start(s->lane->queue, &s->control, phase, s->slots);
}

/* f at c h behind T, outside of any step. */
static odeon_status probe(solver *s, double c, held y, held *k)
{
    const odeon_field *f = &s->field->abi;
    *k = solver_take(s);
    if (k->data == NULL || y.data == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", s->path);
    }
    ODEON_TRY(s->lane->device->ops->stage_times(s->lane->queue, 1, &c, s->slots));
    odeon_tensor t = solver_stage_time(s, 0), in = solver_vector(s, y), out = solver_vector(s, *k);
    s->evals++;
    return f->eval(f->self, &t, &in, &out, NULL);
}

/* f(t0, y0): from the carry where the start has just evaluated it. */
static odeon_status slope_at_start(solver *s, held *f0)
{
    const program *start = s->stepper->start;
    for (int32_t v = 0; start != NULL && v < start->n_verbs; v++) {
        const verb *w = &start->verbs[v];
        int32_t carry = w->out - place_carry_out(s->stepper, 0);
        bool carried = carry >= 0 && carry < s->stepper->info.n_carry;
        if (carried && w->kind == VERB_EVAL && w->in == PLACE_Y0 && w->c == 0.0) {
            *f0 = solver_share(s->at[place_carry_in(s->stepper, carry)]);
            return ODEON_OK;
        }
    }
    return probe(s, 0.0, s->at[PLACE_Y0], f0);
}

/* One explicit Euler step of size H and f at its end. */
static odeon_status euler_probe(solver *s, held y0, held f0, held *f1)
{
    held y1 = solver_take(s);
    odeon_tensor out = solver_vector(s, y1), base = solver_vector(s, y0), k = solver_vector(s, f0);
    const odeon_tensor *x[1] = {&k};
    odeon_scalar h[1] = {odeon_slot(1.0, ODEON_SLOT_H)};
    odeon_status status =
        s->lane->device->ops->lincomb(s->lane->queue, &out, &base, 1, x, h, s->slots);
    if (status == ODEON_OK) {
        status = probe(s, 1.0, y1, f1);
    }
    solver_release(s, &y1);
    return status;
}

/* What the host knows of a step before it is tried, and of how it went. */
typedef struct trial {
    double slots[ODEON_SLOT_LAST + 1];
} trial;

static odeon_status read_trial(solver *s, trial *out)
{
    return s->lane->device->ops->slots_read(s->lane->queue, s->slots, 0, ODEON_SLOT_LAST + 1,
                                            out->slots);
}

/* Of what the first step is chosen by: the size of y and of f there, which say how far to probe. */
static odeon_status measure_start(solver *s, held *f0)
{
    held y0 = s->at[PLACE_Y0];
    odeon_scalar one[1] = {odeon_imm(1.0)};
    odeon_status status = slope_at_start(s, f0);
    ODEON_TRY(start_phase(s, 0, y0, 1, &y0, one, status));
    return start_phase(s, 1, y0, 1, f0, one, ODEON_OK);
}

/* The step that f, at the start and at the probe, lets expect. */
static odeon_status size_first_step(solver *s, held f0, held *f1)
{
    held y0 = s->at[PLACE_Y0];
    odeon_scalar difference[2] = {odeon_imm(1.0), odeon_imm(-1.0)};
    odeon_status status = euler_probe(s, y0, f0, f1);
    held pair[2] = {*f1, f0};
    return start_phase(s, 2, y0, 2, pair, difference, status);
}

/* Hairer, Norsett, Wanner, Solving ODEs I, II.4: two evaluations, one of which most methods need
 * anyway. */
odeon_status solver_start_phases(solver *s, held *f0, held *f1)
{
    ODEON_TRY(measure_start(s, f0));
    return size_first_step(s, *f0, f1);
}

/* Is it the probe alone that has no value, or none that is finite? */
static odeon_status lacks_probe(solver *s, odeon_status status, trial *first, bool *out)
{
    double norms[2];
    *out = status > 0;
    if (status != ODEON_OK) {
        return status > 0 ? ODEON_OK : status;
    }
    ODEON_TRY(read_trial(s, first));
    if (first->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_NONFINITE) {
        ODEON_TRY(
            s->lane->device->ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_START, 2, norms));
        *out = isfinite(norms[0]) && isfinite(norms[1]);
    }
    return ODEON_OK;
}

enum { NEARER_PROBES = 16 };

/* The field need not exist where the rule's probe lies: it may be beyond the end of the solve, or
 * where a step of that size leaves what the field is defined for. Then a nearer one is tried. */
static odeon_status first_trial(solver *s, held *f0, held *f1, trial *first)
{
    bool again;
    ODEON_TRY(measure_start(s, f0));
    odeon_status status = size_first_step(s, *f0, f1);
    ODEON_TRY(lacks_probe(s, status, first, &again));
    for (int i = 0; i < NEARER_PROBES && again; i++) {
        if (status > 0) {
            worker_group_resolve(s->lane->group);
            diag_clear();
        }
        solver_release(s, f1);
        ODEON_TRY(s->lane->device->ops->step_start(s->lane->queue, &s->control, 4, s->slots));
        status = size_first_step(s, *f0, f1);
        ODEON_TRY(lacks_probe(s, status, first, &again));
    }
    return status;
}

static odeon_status automatic_start(solver *s, trial *first)
{
    held y0 = s->at[PLACE_Y0], f0 = {0}, f1 = {0};
    odeon_status status = first_trial(s, &f0, &f1, first);
    if (status == ODEON_OK && (!isfinite(first->slots[ODEON_SLOT_H]) ||
                               first->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW)) {
        solver_blame_start(s, y0, f0, f1);
    }
    solver_release(s, &f0);
    solver_release(s, &f1);
    return status;
}

static odeon_status given_start(solver *s, double t0, double h, trial *first)
{
    ODEON_TRY(solver_set_step(s, t0, h));
    ODEON_TRY(s->lane->device->ops->step_start(s->lane->queue, &s->control, 3, s->slots));
    return read_trial(s, first);
}

/* A step was cut for an output or a stop and there are more: on to the next one, by the step
 * proposed or by the last one that was not cut, with the memory that the control had. */
static odeon_status go_on(solver *s, trial *now)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    double kept[ODEON_SLOT_LAST];
    memcpy(kept, now->slots, sizeof kept);
    double h = kept[ODEON_SLOT_H];
    double end = cut_at(s, kept[ODEON_SLOT_T]), least = fmax(s->control.h_min, least_step(s));
    h = fabs(s->uncut) > fabs(h) ? s->uncut : h;
    h = fabs(h) < least ? copysign(least, h) : h; /* a cut step may be as short as it likes */
    ODEON_TRY(ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_END, 1, &end));
    ODEON_TRY(given_start(s, kept[ODEON_SLOT_T], h, now));
    ODEON_TRY(ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_STEPS,
                               ODEON_SLOT_LAST - ODEON_SLOT_STEPS, kept + ODEON_SLOT_STEPS));
    return read_trial(s, now);
}

/* A layer could not be evaluated somewhere in the step: a much smaller one. */
static odeon_status shrink(solver *s, trial *now)
{
    double values[2] = {now->slots[ODEON_SLOT_T], now->slots[ODEON_SLOT_H] * s->control.factor_min},
           zero = 0.0;
    worker_group_resolve(s->lane->group);
    if (values[0] + values[1] == values[0] || fabs(values[1]) < s->control.h_min ||
        fabs(values[1]) < least_step(s)) {
        solver_blame_value(s, s->at[PLACE_Y0]);
        return solver_fail(s, values[0], values[1], (double)NAN,
                           "step size underflow: a layer cannot be evaluated",
                           "smaller steps do not help it");
    }
    diag_clear();
    solver_count(s, values[1], false);
    ODEON_TRY(solver_set_step(s, values[0], values[1]));
    ODEON_TRY(
        s->lane->device->ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_LAST, 1, &zero));
    return read_trial(s, now);
}

/* It is the block's own limit that the step has come to, or rounding. */
static odeon_status too_small(solver *s, const trial *before, const trial *after, double error)
{
    char what[96];
    double t = after->slots[ODEON_SLOT_T], h = after->slots[ODEON_SLOT_H];
    bool limited = fabs(h) < s->control.h_min && fabs(h) >= least_step(s) && t + h != t;
    if (!limited || isnan(error)) {
        return solver_fail_underflow(s, before->slots[ODEON_SLOT_T], before->slots[ODEON_SLOT_H],
                                     error);
    }
    (void)snprintf(what, sizeof what, "the error asks for a step below h_min = %g",
                   s->control.h_min);
    return solver_fail(s, t, h, error, what, "a smaller h_min, or a larger rtol or atol, may help");
}

/* That the pass may still try. */
static int64_t steps_left(const solver *s)
{
    return s->spec->max_steps - s->steps_before - s->stats.accepted - s->stats.rejected;
}

/* Judges the step just run; accepted or not, now becomes the next trial. */
static odeon_status judge(solver *s, const program *p, trial *now)
{
    trial after;
    ODEON_TRY(s->lane->device->ops->step_control(s->lane->queue, &s->control, s->slots));
    ODEON_TRY(read_trial(s, &after));
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H];
    bool accepted = after.slots[ODEON_SLOT_ACCEPT] != 0.0;
    bool done = accepted && solver_reaches(s, after.slots[ODEON_SLOT_T], s->n_times - 1);
    bool underflows = after.slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW;
    solver_note(s, t, h, after.slots[ODEON_SLOT_ERROR], accepted);
    if (!done && (underflows || steps_left(s) <= 1)) {
        solver_blame_error(s, p, h);
    }
    if (accepted) {
        s->uncut = now->slots[ODEON_SLOT_LAST] == 0.0 ? h : s->uncut;
        ODEON_TRY(solver_accept(s, p, t, h, after.slots[ODEON_SLOT_T]));
    } else {
        s->uncut = 0.0;
        solver_reject(s);
        solver_count(s, h, false);
    }
    if (underflows && !done) {
        return too_small(s, now, &after, after.slots[ODEON_SLOT_ERROR]);
    }
    *now = after;
    return done || after.slots[ODEON_SLOT_DONE] == 0.0 ? ODEON_OK : go_on(s, now);
}

static odeon_status trial_step(solver *s, trial *now)
{
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, s->index, &p));
    ODEON_TRY(solver_reserve(s, p));
    odeon_status status = solver_run(s, p);
    if (status == ODEON_OK) {
        status = solver_error(s, p);
    }
    status = reduce_error(s, status);
    if (status != ODEON_OK) {
        solver_note(s, now->slots[ODEON_SLOT_T], now->slots[ODEON_SLOT_H], (double)NAN, false);
        solver_reject(s);
        return status > 0 ? shrink(s, now) : status;
    }
    return judge(s, p, now);
}

odeon_status solver_write_slots(solver *s)
{
    double values[ODEON_SLOT_LIMIT + 1] = {[ODEON_SLOT_T] = s->times[0],
                                           [ODEON_SLOT_END] = cut_at(s, s->times[0]),
                                           [ODEON_SLOT_REACH] = s->times[s->n_times - 1],
                                           [ODEON_SLOT_LEAST] = least_step(s),
                                           [ODEON_SLOT_LIMIT] = (double)steps_left(s)};
    return s->lane->device->ops->slots_write(s->lane->queue, s->slots, 0, ODEON_SLOT_LIMIT + 1,
                                             values);
}

static odeon_status solve_step_by_step(solver *s)
{
    double t0 = s->times[0], first = solver_direction(s) * s->spec->first_step;
    trial now;
    ODEON_TRY(solver_write_slots(s));
    ODEON_TRY(solver_begin(s, t0));
    ODEON_TRY(first != 0.0 ? given_start(s, t0, first, &now) : automatic_start(s, &now));
    while (s->next < s->n_times) {
        if (steps_left(s) <= 0) {
            return solver_fail_max_steps(s, now.slots[ODEON_SLOT_T], now.slots[ODEON_SLOT_H],
                                         now.slots[ODEON_SLOT_ERROR]);
        }
        if (!isfinite(now.slots[ODEON_SLOT_H]) || now.slots[ODEON_SLOT_H] == 0.0 ||
            now.slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW) {
            return too_small(s, &now, &now, (double)NAN);
        }
        ODEON_TRY(trial_step(s, &now));
    }
    return ODEON_OK;
}

static odeon_status solve_adaptive(solver *s)
{
    bool solved = false;
    s->uncut = 0.0;
    set_control(s);
    ODEON_TRY(steps_left(s) > 0 ? solver_loop(s, &solved) : ODEON_OK); /* a limit of 0 is none */
    if (!solved) {
        ODEON_TRY(solve_step_by_step(s));
        solver_loop_settle(s);
    }
    return ODEON_OK;
}

/* ---- all ---- */

static odeon_status solve_by_mode(solver *s)
{
    switch (s->spec->mode) {
    case ODEON_STEPS_COUNT:
        return solver_solve_equal(s);
    case ODEON_STEPS_SIZE:
        return solver_solve_sized(s);
    case ODEON_STEPS_REPLAY:
        return solver_solve_replayed(s);
    default:
        return solve_adaptive(s);
    }
}

void solver_start_over(solver *s)
{
    solver_drop_records(s);
    s->stats = (solve_stats){.h_min = (double)NAN, .h_max = (double)NAN};
    s->evals = 0;
    s->index = 0;
}

static odeon_status fit(solver *s, const host_field *field, int32_t keep)
{
    if (keep != ODEON_KEEP_NONE && (keep != ODEON_KEEP_FRAMES || field->frame_bytes == 0)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: this field's steps cannot be kept", s->path);
    }
    s->keep = keep;
    solver_start_over(s);
    ODEON_TRY(solver_fit(s, field));
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, 0, &p));
    return solver_reserve(s, p);
}

odeon_status solver_carry_out(solver *s)
{
    s->next = 1;
    s->at[PLACE_Y0] = (held){.data = s->y[0].data};
    odeon_status status = solve_by_mode(s);
    s->failed = status != ODEON_OK;
    solver_reject(s); /* frames of a step that did not come to its end */
    solver_let_all_go(s);
    return status;
}

odeon_status solver_solve(solver *s, const host_field *field, int32_t n_times, const double *times,
                          int32_t keep, const odeon_tensor *y)
{
    ODEON_TRY(fit(s, field, keep));
    ODEON_TRY(solver_fit_times(s, n_times));
    s->n_times = n_times;
    s->times = times;
    s->y = y;
    return s->spec->mode == ODEON_STEPS_ADAPTIVE ? solver_carry_out(s)
                                                 : solver_carry_out_recorded(s);
}
