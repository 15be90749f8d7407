#include "solver/controller.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "device/worker_group.h"
#include "odeon/device_solver.h"
#include "solver/diagnosis.h"
#include "solver/outputs.h"
#include "solver/step.h"

enum { NEARER_PROBES = 16 };

/* ---- its configuration ---- */

/* Exponents of a rule "per order" are given for order 1: error^(-beta / p) where the error falls as
 * h^p. */
odeon_status controller_init(solver *s)
{
    odeon_control *c = &s->control;
    const odeon_field *field = &s->task.field->abi;
    *c = *s->spec->control;
    c->struct_size = sizeof *c;
    c->n_parts = field->n_parts;
    for (int32_t i = 0; i < c->n_parts; i++) {
        const odeon_part *part = &field->parts[i];
        c->count[i] = (part->flags & ODEON_PART_NO_NORM) != 0 ? 0 : part->n_global;
    }
    c->n_estimates = s->stepper->tableau != NULL ? tableau_estimates(s->stepper->tableau) : 1;
    static_assert((int)ODEON_JOIN_LARGEST == (int)ODEON_ESTIMATES_LARGEST &&
                      (int)ODEON_JOIN_DOP853 == (int)ODEON_ESTIMATES_DOP853,
                  "rules have one number on both sides");
    c->estimate_rule = c->n_estimates > 1 ? s->stepper->tableau->estimate_rule : 0;
    double order = s->spec->exponents_per_order != 0 ? s->stepper->info.order : 1.0;
    double power = s->stepper->tableau == NULL || s->spec->exponents_per_order == 0
                       ? order
                       : tableau_error_power(s->stepper->tableau);
    for (int i = 0; i < 3; i++) {
        c->beta[i] /= power;
    }
    c->beta_reject /= power;
    c->start_exponent /= order;
    s->unclipped_h = 0.0;
    return c->n_estimates * c->n_parts <= ODEON_MAX_PARTS
               ? ODEON_OK
               : diag_fail(ODEON_ERR_UNSUPPORTED,
                           "%s: integrator %s estimates an error in %d ways, each for %d parts of "
                           "the state, and there is room for %d: use the seminorm, or another "
                           "integrator",
                           s->path, s->stepper->instance->component->id, (int)c->n_estimates,
                           (int)c->n_parts, ODEON_MAX_PARTS);
}

int64_t controller_steps_left(const solver *s)
{
    const solve_log *log = &s->log;
    return s->spec->max_steps - log->steps_before - log->stats.accepted - log->stats.rejected;
}

/* A stiff solution may begin by a transient that is as short as rounding next to the whole span,
 * of Robertson's kinetics 1e-4 next to 1e11. */
double controller_least_step(const solver *s)
{
    double least = DBL_EPSILON * fabs(solve_end(s) - s->task.times[0]);
    return s->stepper->implicit ? DBL_EPSILON * least : least;
}

/* Where steps from t are clipped: at the next stop, and before it at the next output, or only at
 * the last one if the others can be read off dense output. Steps that may pass the last one are not
 * clipped for it either: an infinite end only gives the direction. */
static double clip_at(const solver *s, double t)
{
    bool dense = s->stepper->dense;
    double end = s->task.times[dense ? s->task.n_times - 1 : s->outputs.next];
    if (dense && s->spec->end == ODEON_END_INTERPOLATE) {
        end = solve_direction(s) * (double)INFINITY;
    }
    return next_stop(s, t, end);
}

void controller_first_slots(const solver *s, double values[CONTROLLER_FIRST_SLOTS])
{
    double t0 = s->task.times[0];
    const double first[CONTROLLER_FIRST_SLOTS] = {[ODEON_SLOT_T] = t0,
                                                  [ODEON_SLOT_END] = clip_at(s, t0),
                                                  [ODEON_SLOT_REACH] = solve_end(s),
                                                  [ODEON_SLOT_LEAST] = controller_least_step(s),
                                                  [ODEON_SLOT_LIMIT] =
                                                      (double)controller_steps_left(s)};
    memcpy(values, first, sizeof first);
}

/* In one write. */
odeon_status controller_write_slots(solver *s)
{
    double values[CONTROLLER_FIRST_SLOTS];
    controller_first_slots(s, values);
    return ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                    .n = CONTROLLER_FIRST_SLOTS, .values = values);
}

/* The one thing that an eager adaptive step waits for. */
odeon_status controller_read(solver *s, trial *out)
{
    return s->lane->device->ops->slots_read(s->lane->queue, s->slots, 0, ODEON_SLOT_LAST + 1,
                                            out->slots);
}

/* A worker that has failed takes part by telling the others so, else they would wait for it. */
odeon_status controller_reduce_error(solver *s, odeon_status mine)
{
    const odeon_group *group = &s->lane->group->abi;
    int32_t n = s->control.n_estimates > 1 ? s->control.n_estimates : 1;
    if (mine != ODEON_OK) {
        return worker_group_share(s->lane->group, mine);
    }
    return group->reduce_slots(group->self, s->lane->queue, s->slots, ODEON_SLOT_ERROR_SUM,
                               n * s->control.n_parts, s->control.norm == ODEON_NORM_MAX, ODEON_OK);
}

/* ---- the first step ---- */

/* One phase of step_start (device_solver.h): sums of the vectors over all workers, then what the
 * device makes of them. */
static odeon_status start_phase(solver *s, int32_t phase, int32_t n, const bound_vector *x,
                                const odeon_scalar *coefficients, odeon_status mine)
{
    bound_vector y0 = s->step.value[REG_Y0];
    if (mine == ODEON_OK) {
        mine = step_scaled_sums(s, y0, y0, n, x, coefficients);
    }
    ODEON_TRY(controller_reduce_error(s, mine));
    return ODEON_DO(s->lane->device, solver, step_start, s->lane->queue, .control = &s->control,
                    .phase = phase, .slots = s->slots);
}

/* k = f(T + c H, y), outside of any step. */
static odeon_status probe(solver *s, double c, bound_vector y, bound_vector *k)
{
    const odeon_field *f = &s->task.field->abi;
    *k = workspace_take(&s->memory);
    if (k->data == NULL || y.data == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", s->path);
    }
    ODEON_TRY(ODEON_DO(s->lane->device, solver, stage_times, s->lane->queue, .n = 1, .c = &c,
                       .slots = s->slots));
    odeon_tensor t = stage_time_tensor(s, 0), in = vector_tensor(s, y), out = vector_tensor(s, *k);
    s->log.evals++;
    return field_eval(f, &t.view, &in.view, &out, NULL);
}

/* f(t0, y0): from the carry where the method's start has just evaluated it, as that of a pair with
 * "first same as last" does. */
static odeon_status slope_at_start(solver *s, bound_vector *f0)
{
    const program *start = s->stepper->start;
    for (int32_t v = 0; start != NULL && v < start->n_verbs; v++) {
        const verb *w = &start->verbs[v];
        int32_t carry = w->out - reg_carry_out(s->stepper, 0);
        bool carried = carry >= 0 && carry < s->stepper->info.n_carry;
        bool whole = w->kind == VERB_EVAL && w->terms == ODEON_TERMS_ALL;
        if (carried && whole && w->in == REG_Y0 && w->c == 0.0) {
            *f0 = workspace_share(s->step.value[reg_carry_in(s->stepper, carry)]);
            return ODEON_OK;
        }
    }
    return probe(s, 0.0, s->step.value[REG_Y0], f0);
}

/* One explicit Euler step of size H and f at its end. */
static odeon_status euler_probe(solver *s, bound_vector f0, bound_vector *f1)
{
    bound_vector y1 = workspace_take(&s->memory);
    odeon_tensor out = vector_tensor(s, y1), base = vector_tensor(s, s->step.value[REG_Y0]);
    odeon_tensor k = vector_tensor(s, f0);
    const odeon_view *x[1] = {&k.view};
    odeon_scalar h[1] = {odeon_slot(1.0, ODEON_SLOT_H)};
    odeon_status status =
        ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out, .base = &base.view,
                 .n = 1, .x = x, .coefficient = h, .slots = s->slots);
    if (status == ODEON_OK) {
        status = probe(s, 1.0, y1, f1);
    }
    workspace_release(&s->memory, &y1);
    return status;
}

/* The sizes of y and of f there, which say how far to probe. */
static odeon_status measure_start(solver *s, bound_vector *f0)
{
    odeon_scalar one[1] = {odeon_imm(1.0)};
    odeon_status status = slope_at_start(s, f0);
    ODEON_TRY(start_phase(s, 0, 1, &s->step.value[REG_Y0], one, status));
    return start_phase(s, 1, 1, f0, one, ODEON_OK);
}

/* The step that f, at the start and at the probe, lets expect. */
static odeon_status size_first_step(solver *s, bound_vector f0, bound_vector *f1)
{
    odeon_scalar difference[2] = {odeon_imm(1.0), odeon_imm(-1.0)};
    odeon_status status = euler_probe(s, f0, f1);
    bound_vector pair[2] = {*f1, f0};
    return start_phase(s, 2, 2, pair, difference, status);
}

odeon_status controller_probe_start(solver *s, bound_vector *f0, bound_vector *f1)
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
    ODEON_TRY(controller_read(s, first));
    if (first->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_NONFINITE) {
        ODEON_TRY(
            s->lane->device->ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_START, 2, norms));
        *out = isfinite(norms[0]) && isfinite(norms[1]);
    }
    return ODEON_OK;
}

/* The field need not exist where the rule's probe lies: it may be beyond the end of the solve, or
 * where a step of that size leaves what the field is defined for. Then a nearer one is tried. */
static odeon_status probe_nearer(solver *s, bound_vector *f0, bound_vector *f1, trial *first)
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
        workspace_release(&s->memory, f1);
        ODEON_TRY(ODEON_DO(s->lane->device, solver, step_start, s->lane->queue,
                           .control = &s->control, .phase = 4, .slots = s->slots));
        status = size_first_step(s, *f0, f1);
        ODEON_TRY(lacks_probe(s, status, first, &again));
    }
    return status;
}

/* If no step can be chosen, the vectors that would tell why are still bound here. */
static odeon_status automatic_start(solver *s, trial *first)
{
    bound_vector f0 = {0}, f1 = {0};
    odeon_status status = probe_nearer(s, &f0, &f1, first);
    if (status == ODEON_OK && (!isfinite(first->slots[ODEON_SLOT_H]) ||
                               first->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW)) {
        diagnose_start(s, s->step.value[REG_Y0], f0, f1);
    }
    workspace_release(&s->memory, &f0);
    workspace_release(&s->memory, &f1);
    return status;
}

/* Phase 3 of step_start clips the given step to END and starts the history. */
static odeon_status given_start(solver *s, double t0, double h, trial *first)
{
    ODEON_TRY(step_set_time(s, t0, h));
    ODEON_TRY(ODEON_DO(s->lane->device, solver, step_start, s->lane->queue, .control = &s->control,
                       .phase = 3, .slots = s->slots));
    return controller_read(s, first);
}

odeon_status controller_first_step(solver *s, double given, trial *first)
{
    return given != 0.0 ? given_start(s, s->task.times[0], given, first)
                        : automatic_start(s, first);
}

/* ---- behind a clipped step ---- */

double controller_resumed_step(const solver *s, double t, double h, double *end)
{
    double least = fmax(s->control.h_min, controller_least_step(s));
    *end = clip_at(s, t);
    h = fabs(s->unclipped_h) > fabs(h) ? s->unclipped_h : h;
    return fabs(h) < least ? copysign(least, h) : h;
}

/* step_start clips the new step but also starts the history and the counts anew: these are put back
 * as they were. */
odeon_status controller_resume(solver *s, trial *now)
{
    double kept[ODEON_SLOT_LAST], end;
    memcpy(kept, now->slots, sizeof kept);
    double t = kept[ODEON_SLOT_T];
    double h = controller_resumed_step(s, t, kept[ODEON_SLOT_H], &end);
    ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                       .first = ODEON_SLOT_END, .n = 1, .values = &end));
    ODEON_TRY(given_start(s, t, h, now));
    ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                       .first = ODEON_SLOT_STEPS, .n = ODEON_SLOT_LAST - ODEON_SLOT_STEPS,
                       .values = kept + ODEON_SLOT_STEPS));
    return controller_read(s, now);
}
