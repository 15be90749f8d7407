/* The loops: which steps are taken. */
#include "solver.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"

static odeon_status set_step(solver *s, double t, double h)
{
    double values[2] = {t, h};
    return s->site->device->ops->slots_write(s->site->queue, s->slots, ODEON_SLOT_T, 2, values);
}

/* What is wrong, where in the solve, what a layer said about it, and what may help. */
static odeon_status numerical_failure(const solver *s, double t, double h, double error,
                                      const char *what, const char *remedy)
{
    char reason[ODEON_MESSAGE_BYTES];
    (void)snprintf(reason, sizeof reason, "%s", diag_message());
    diag_clear();
    return diag_fail(ODEON_ERR_NUMERIC,
                     "%s: %s at t = %.9g, h = %.3g, scaled error %.3g, after %lld evaluations, "
                     "%lld accepted and %lld rejected steps%s%s%s; %s",
                     s->path, what, t, h, error, (long long)s->evals, (long long)s->stats.accepted,
                     (long long)s->stats.rejected, reason[0] == '\0' ? "" : " (", reason,
                     reason[0] == '\0' ? "" : ")", remedy);
}

/* ---- steps known beforehand ---- */

/* One step that must succeed. */
static odeon_status fixed_step(solver *s, double t, double h)
{
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, s->index, &p));
    ODEON_TRY(solver_reserve(s, p));
    ODEON_TRY(set_step(s, t, h));
    odeon_status status = solver_run(s, p);
    solver_note(s, t, h, (double)NAN, status == ODEON_OK);
    if (status != ODEON_OK) {
        solver_reject(s);
        solver_blame_value(s, s->at[PLACE_Y0]);
        return status < 0 ? status
                          : numerical_failure(s, t, h, (double)NAN, "a layer cannot be evaluated",
                                              "with fixed steps there is no smaller one to try");
    }
    return solver_accept(s, p, t, h);
}

/* Steps under a method for equal ones start anew whenever the size changes. */
static odeon_status fixed_step_of(solver *s, double t, double h, double *last_h)
{
    bool equal_only = (s->stepper->info.flags & ODEON_STEPPER_FIXED_H) != 0;
    bool same = fabs(h - *last_h) <= 1e-12 * fabs(h); /* rounding of t1 - t is no change */
    if (isnan(*last_h) || (equal_only && !same)) {
        ODEON_TRY(set_step(s, t, h));
        ODEON_TRY(solver_begin(s, t));
    }
    *last_h = h;
    return fixed_step(s, t, h);
}

static odeon_status solve_equal(solver *s, double t0, double t1, int64_t steps)
{
    double h = (t1 - t0) / (double)steps, last_h = (double)NAN;
    for (int64_t i = 0; i < steps; i++) {
        ODEON_TRY(fixed_step_of(s, t0 + (double)i * h, h, &last_h));
    }
    return ODEON_OK;
}

static odeon_status solve_sized(solver *s, double t0, double t1, double size)
{
    double h = t1 < t0 ? -size : size, last_h = (double)NAN;
    double count = fmax(1.0, ceil((t1 - t0) / h - 1e-9)); /* a rest of rounding is no step */
    for (int64_t i = 0; (double)i < count; i++) {
        double t = t0 + (double)i * h;
        ODEON_TRY(fixed_step_of(s, t, (double)(i + 1) < count ? h : t1 - t, &last_h));
    }
    return ODEON_OK;
}

/* The list as it stands, or backward for a solve from its end to its start. */
static odeon_status solve_replayed(solver *s, double t0, double t1)
{
    size_t n = s->n_replay;
    double first = s->replay[0][0], last_h = (double)NAN, h_end = s->replay[n - 1][1];
    double end = s->replay[n - 1][0] + h_end, slack = 1e-9 * fabs(t1 - t0);
    bool reaches = s->end != NULL && (h_end > 0.0 ? end >= t1 : end <= t1);
    bool forward = fabs(first - t0) <= slack && (reaches || fabs(end - t1) <= slack);
    if (!forward && !(fabs(first - t1) <= slack && fabs(end - t0) <= slack)) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: %s lists steps from %g to %g, but the span is %g to %g", s->path,
                         s->spec->replay_path, first, end, t0, t1);
    }
    for (size_t i = 0; i < n; i++) {
        const double *step = s->replay[forward ? i : n - 1 - i];
        double t = forward ? step[0] : step[0] + step[1];
        ODEON_TRY(fixed_step_of(s, t, forward ? step[1] : -step[1], &last_h));
    }
    return ODEON_OK;
}

/* ---- steps chosen by the error ---- */

/* A step too small to matter within the span is an underflow even at t = 0, where any h would still
 * move t. */
static void set_control(solver *s, double t0, double t1)
{
    odeon_control *c = &s->control;
    double least = DBL_EPSILON * fabs(t1 - t0);
    *c = s->spec->control;
    c->struct_size = sizeof *c;
    /* a step that may reach beyond t1 is not cut: only the direction matters */
    c->t1 = s->end == NULL ? t1 : t1 < s->t0 ? -(double)INFINITY : (double)INFINITY;
    c->h_min = c->h_min > least ? c->h_min : least;
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
    const odeon_group *group = &s->site->group->abi;
    if (mine != ODEON_OK) {
        return worker_group_settle(s->site->group, mine);
    }
    return group->reduce_slots(group->self, s->site->queue, s->slots, ODEON_SLOT_ERROR_SUM,
                               s->control.n_parts, s->control.norm == ODEON_NORM_MAX, ODEON_OK);
}

static odeon_status start_phase(solver *s, int32_t phase, held y0, int32_t n, const held *x,
                                const odeon_scalar *coefficients, odeon_status mine)
{
    if (mine == ODEON_OK) {
        mine = solver_scaled_sums(s, y0, y0, n, x, coefficients);
    }
    ODEON_TRY(reduce_error(s, mine));
    return s->site->device->ops->step_start(s->site->queue, &s->control, phase, s->slots);
}

/* f at c h behind T, outside of any step. */
static odeon_status probe(solver *s, double c, held y, held *k)
{
    const odeon_field *f = &s->field->abi;
    *k = solver_take(s);
    if (k->data == NULL || y.data == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", s->path);
    }
    ODEON_TRY(s->site->device->ops->stage_times(s->site->queue, 1, &c, s->slots));
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
        s->site->device->ops->lincomb(s->site->queue, &out, &base, 1, x, h, s->slots);
    if (status == ODEON_OK) {
        status = probe(s, 1.0, y1, f1);
    }
    solver_let_go(s, &y1);
    return status;
}

/* What the host knows of a step before it is tried, and of how it went. */
typedef struct trial {
    double slots[ODEON_SLOT_LAST + 1];
} trial;

static odeon_status read_trial(solver *s, trial *out)
{
    return s->site->device->ops->slots_read(s->site->queue, s->slots, 0, ODEON_SLOT_LAST + 1,
                                            out->slots);
}

/* Hairer, Norsett, Wanner, Solving ODEs I, II.4: two evaluations, one of which most methods need
 * anyway. */
static odeon_status automatic_start(solver *s, trial *first)
{
    held y0 = s->at[PLACE_Y0], f0 = {0}, f1 = {0};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    odeon_scalar difference[2] = {odeon_imm(1.0), odeon_imm(-1.0)};
    odeon_status status = slope_at_start(s, &f0);
    status = start_phase(s, 0, y0, 1, &y0, one, status);
    if (status == ODEON_OK) {
        status = start_phase(s, 1, y0, 1, &f0, one, ODEON_OK);
    }
    if (status == ODEON_OK) {
        status = euler_probe(s, y0, f0, &f1);
        held pair[2] = {f1, f0};
        status = start_phase(s, 2, y0, 2, pair, difference, status);
    }
    if (status == ODEON_OK) {
        status = read_trial(s, first);
    }
    if (status == ODEON_OK && (!isfinite(first->slots[ODEON_SLOT_H]) ||
                               first->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW)) {
        solver_blame_start(s, y0, f0, f1);
    }
    solver_let_go(s, &f0);
    solver_let_go(s, &f1);
    return status;
}

static odeon_status given_start(solver *s, double t0, double t1, trial *first)
{
    ODEON_TRY(set_step(s, t0, t1 < t0 ? -s->spec->first_step : s->spec->first_step));
    ODEON_TRY(s->site->device->ops->step_start(s->site->queue, &s->control, 3, s->slots));
    return read_trial(s, first);
}

/* A layer could not be evaluated somewhere in the step: a much smaller one. */
static odeon_status shrink(solver *s, trial *now)
{
    double values[2] = {now->slots[ODEON_SLOT_T], now->slots[ODEON_SLOT_H] * s->control.factor_min},
           zero = 0.0;
    worker_group_resolve(s->site->group);
    if (values[0] + values[1] == values[0] || fabs(values[1]) < s->control.h_min) {
        solver_blame_value(s, s->at[PLACE_Y0]);
        return numerical_failure(s, values[0], values[1], (double)NAN,
                                 "step size underflow: a layer cannot be evaluated",
                                 "smaller steps do not help it");
    }
    diag_clear();
    s->stats.rejected++;
    ODEON_TRY(set_step(s, values[0], values[1]));
    ODEON_TRY(
        s->site->device->ops->slots_write(s->site->queue, s->slots, ODEON_SLOT_LAST, 1, &zero));
    return read_trial(s, now);
}

static odeon_status underflow(const solver *s, const trial *before, const trial *after)
{
    double error = after->slots[ODEON_SLOT_ERROR], h = before->slots[ODEON_SLOT_H];
    bool finite = isfinite(error) && isfinite(h); /* the first h is NaN where f is at the start */
    return numerical_failure(
        s, before->slots[ODEON_SLOT_T], h, error,
        finite ? "step size underflow" : "step size underflow: the field is not finite",
        finite ? "a larger rtol or atol, or another integrator, may help: the problem is stiff or "
                 "not smooth here"
               : "look for divergence: a smaller learning rate, clip_norm, or a bounded "
                 "activation may help");
}

/* Judges the step just run; accepted or not, now becomes the next trial. */
static odeon_status judge(solver *s, const program *p, trial *now, bool *done)
{
    trial after;
    ODEON_TRY(s->site->device->ops->step_control(s->site->queue, &s->control, s->slots));
    ODEON_TRY(read_trial(s, &after));
    double t1 = s->t1, now_t = after.slots[ODEON_SLOT_T];
    bool reached = s->end != NULL && (t1 > s->t0 ? now_t >= t1 : now_t <= t1);
    *done = reached || after.slots[ODEON_SLOT_DONE] != 0.0;
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H];
    bool accepted = after.slots[ODEON_SLOT_ACCEPT] != 0.0;
    bool underflows = after.slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW;
    solver_note(s, t, h, after.slots[ODEON_SLOT_ERROR], accepted);
    if (!*done && (underflows || (int64_t)s->n_attempts >= s->spec->max_steps)) {
        solver_blame_error(s, p, h);
    }
    if (accepted) {
        ODEON_TRY(solver_accept(s, p, t, h));
    } else {
        solver_reject(s);
        s->stats.rejected++;
    }
    if (underflows && !*done) {
        return underflow(s, now, &after);
    }
    *now = after;
    return ODEON_OK;
}

static odeon_status trial_step(solver *s, trial *now, bool *done)
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
    return judge(s, p, now, done);
}

static odeon_status solve_adaptive(solver *s, double t0, double t1)
{
    double zeros[16] = {0.0};
    bool done = false;
    trial now;
    const odeon_device_ops *ops = s->site->device->ops;
    set_control(s, t0, t1);
    ODEON_TRY(ops->slots_write(s->site->queue, s->slots, 0, 16, zeros));
    ODEON_TRY(ops->slots_write(s->site->queue, s->slots, 16, 8, zeros));
    ODEON_TRY(set_step(s, t0, 0.0));
    ODEON_TRY(solver_begin(s, t0));
    ODEON_TRY(s->spec->first_step > 0.0 ? given_start(s, t0, t1, &now) : automatic_start(s, &now));
    while (!done) {
        if (s->stats.accepted + s->stats.rejected >= s->spec->max_steps) {
            return numerical_failure(s, now.slots[ODEON_SLOT_T], now.slots[ODEON_SLOT_H],
                                     now.slots[ODEON_SLOT_ERROR], "max_steps reached",
                                     "raise max_steps, or rtol and atol");
        }
        if (!isfinite(now.slots[ODEON_SLOT_H]) || now.slots[ODEON_SLOT_H] == 0.0 ||
            now.slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW) {
            return underflow(s, &now, &now);
        }
        ODEON_TRY(trial_step(s, &now, &done));
    }
    return ODEON_OK;
}

/* ---- all ---- */

static odeon_status solve_by_mode(solver *s, double t0, double t1)
{
    switch (s->spec->mode) {
    case ODEON_STEPS_COUNT:
        return solve_equal(s, t0, t1, s->spec->steps);
    case ODEON_STEPS_SIZE:
        return solve_sized(s, t0, t1, s->spec->step_size);
    case ODEON_STEPS_REPLAY:
        return solve_replayed(s, t0, t1);
    default:
        return solve_adaptive(s, t0, t1);
    }
}

static void let_all_go(solver *s)
{
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        solver_let_go(s, &s->at[i]);
    }
}

static odeon_status fit(solver *s, const host_field *field, int32_t keep)
{
    if (keep != ODEON_KEEP_NONE && (keep != ODEON_KEEP_FRAMES || field->frame_bytes == 0)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: this field's steps cannot be kept", s->path);
    }
    solver_drop_records(s);
    s->keep = keep;
    ODEON_TRY(solver_fit(s, field));
    s->stats = (solve_stats){.h_min = (double)NAN, .h_max = (double)NAN};
    s->evals = 0;
    s->index = 0;
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, 0, &p));
    return solver_reserve(s, p);
}

odeon_status solver_solve(solver *s, const host_field *field, double t0, double t1, int32_t keep,
                          const odeon_tensor *y)
{
    solver_forget(s);
    ODEON_TRY(fit(s, field, keep));
    bool steers = s->spec->mode == ODEON_STEPS_ADAPTIVE || s->spec->mode == ODEON_STEPS_REPLAY;
    s->t0 = t0;
    s->t1 = t1;
    s->end = steers && s->spec->end == ODEON_END_INTERPOLATE ? y : NULL;
    s->at[PLACE_Y0] = (held){.data = y->data};
    odeon_status status = t0 == t1 ? ODEON_OK : solve_by_mode(s, t0, t1);
    if (status == ODEON_OK && s->end == NULL && s->at[PLACE_Y0].data != y->data) {
        odeon_tensor end = solver_vector(s, s->at[PLACE_Y0]);
        status = s->site->device->ops->copy(s->site->queue, &end, y);
    }
    s->failed = status != ODEON_OK;
    solver_reject(s); /* frames of a step that did not come to its end */
    let_all_go(s);
    return status;
}
