#include "solver/fixed.h"

#include <float.h>
#include <math.h>

#include "base/diag.h"
#include "solver/diagnosis.h"
#include "solver/event.h"
#include "solver/failure.h"
#include "solver/outputs.h"
#include "solver/step.h"

/* One step that must succeed; it ends at t_end, which is t + h but for rounding. The attempt is
 * logged whatever became of it. */
static odeon_status fixed_step(solver *s, double t, double h, double t_end)
{
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, s->step.index, &p));
    ODEON_TRY(step_reserve(s, p));
    ODEON_TRY(step_set_time(s, t, h));
    odeon_status status = step_run(s, p);
    bool done = status == ODEON_OK;
    ODEON_TRY(done ? event_cut(s, p, t, &h, &t_end, h) : ODEON_OK);
    solve_log_add(&s->log, t, h, (double)NAN, done ? ATTEMPT_ACCEPTED : ATTEMPT_FATAL);
    if (!done) {
        diagnose_void(s);
        return status < 0 ? status
                          : solve_fail(s, t, h, (double)NAN,
                                       s->stepper->implicit ? "a stage cannot be solved"
                                                            : "a layer cannot be evaluated",
                                       "with fixed steps there is no smaller one to try");
    }
    return step_accept(s, p, t, h, t_end);
}

/* Steps under a method for equal ones start anew whenever the size changes: by more than the
 * rounding of the times around it. NAN is the size before the first step. */
static odeon_status fixed_step_of(solver *s, double t, double h, double t_end, double *last_h)
{
    bool equal_only = (s->stepper->info.flags & ODEON_STEPPER_FIXED_H) != 0;
    double slack = 1e-12 * fabs(h) + 4.0 * DBL_EPSILON * fmax(fabs(t), fabs(t_end));
    bool same = fabs(h - *last_h) <= slack;
    if (isnan(*last_h) || (equal_only && !same)) {
        ODEON_TRY(step_set_time(s, t, h));
        ODEON_TRY(step_begin(s, t));
    }
    *last_h = h;
    return fixed_step(s, t, h, t_end);
}

/* COUNT: so many in every interval between two outputs. Times come from the interval's start by a
 * product and not by adding up, so that rounding does not grow, and the last step ends at the
 * output to the bit. */
static odeon_status solve_equal(solver *s)
{
    int64_t steps = s->spec->steps;
    double last_h = (double)NAN;
    for (int32_t k = 1; k < s->task.n_times; k++) {
        double t0 = s->task.times[k - 1], h = (s->task.times[k] - t0) / (double)steps;
        for (int64_t i = 0; i < steps && !event_has_cut(s); i++) {
            double t = t0 + (double)i * h;
            ODEON_TRY(fixed_step_of(s, t, h, i + 1 < steps ? t + h : s->task.times[k], &last_h));
        }
    }
    return ODEON_OK;
}

/* SIZE: steps end at the points t0 + k size, the outputs and the stops, in order; where a point of
 * the grid differs from another by rounding they are one. A step between two points of the grid is
 * of the very size, so that a method for equal steps need not start anew for rounding. */
static odeon_status solve_sized(solver *s)
{
    double size = s->spec->step_size, h = solve_direction(s) * size, last_h = (double)NAN;
    double t = s->task.times[0];
    bool from_grid = true;
    for (int64_t k = 1; s->outputs.next < s->task.n_times;) { /* k: the next point of the grid */
        double point = s->task.times[0] + (double)k * h;
        double cut = next_stop(s, t, s->task.times[s->outputs.next]);
        double ahead = (cut - point) / h; /* of the point, in steps */
        bool to_cut = ahead <= 1e-9, to_grid = ahead >= -1e-9;
        bool full = from_grid && !to_cut;
        double t_end = to_cut ? cut : point;
        ODEON_TRY(fixed_step_of(s, t, full ? h : t_end - t, t_end, &last_h));
        t = t_end;
        from_grid = to_grid;
        k += to_grid;
    }
    return ODEON_OK;
}

/* ---- REPLAY: a recorded list ---- */

/* A step of the list in the direction of the solve. t_end is what it ends at, which t + h may miss
 * by rounding. */
typedef struct replayed_step {
    double t, h, t_end;
} replayed_step;

/* Step i in the order of the solve, which may go through the list backward. */
static replayed_step listed(const solver *s, bool forward, size_t i)
{
    const double *step = s->replay[forward ? i : s->n_replay - 1 - i];
    double end = step[0] + step[1];
    return forward ? (replayed_step){step[0], step[1], end}
                   : (replayed_step){end, -step[1], step[0]};
}

/* Does the list begin where the solve does and come to its end? One that goes on reaches beyond it
 * as its last step does, and a solve backward may begin at any output. */
static bool covers(const solver *s, bool forward, double slack)
{
    double direction = solve_direction(s), t0 = s->task.times[0], t1 = solve_end(s);
    double begin = listed(s, forward, 0).t, end = listed(s, forward, s->n_replay - 1).t_end;
    if (!forward) {
        return direction * (t0 - begin) >= -slack && direction * (end - t1) >= -slack;
    }
    bool may_pass = s->spec->end == ODEON_END_INTERPOLATE;
    return fabs(begin - t0) <= slack &&
           (may_pass ? direction * (end - t1) >= -slack : fabs(end - t1) <= slack);
}

/* The list was written for another span. */
static odeon_status refuse_list(const solver *s)
{
    replayed_step last = listed(s, true, s->n_replay - 1);
    return diag_fail(ODEON_ERR_DATA, "%s: %s lists steps from %g to %g, but the span is %g to %g",
                     s->path, s->spec->replay_path, s->replay[0][0], last.t_end, s->task.times[0],
                     solve_end(s));
}

/* The end of a listed step, where rounding has moved it off the output that it was cut for. Where
 * any time within a step can be read, that is only the last one, and only by rounding. */
static double snap(const solver *s, double t_end, bool last, double slack)
{
    bool dense = s->stepper->dense;
    slack = dense ? 4.0 * DBL_EPSILON * fabs(t_end) : slack;
    for (int32_t i = s->outputs.next; i < s->task.n_times && (last || !dense); i++) {
        if (fabs(s->task.times[i] - t_end) <= slack) {
            return s->task.times[i];
        }
    }
    return t_end;
}

/* A solve backward takes from the list what lies between its own two ends. */
static bool clip_to_solve(const solver *s, double slack, replayed_step *step)
{
    double direction = solve_direction(s), t0 = s->task.times[0], t1 = solve_end(s);
    if (direction * (step->t_end - t0) <= slack || direction * (t1 - step->t) <= slack) {
        return false;
    }
    bool late = direction * (t0 - step->t) > slack, early = direction * (step->t_end - t1) > slack;
    step->t = late ? t0 : step->t;
    step->t_end = early ? t1 : step->t_end;
    step->h = late || early ? step->t_end - step->t : step->h;
    return true;
}

/* A time within a listed step needs dense output, which not every integrator has. */
static odeon_status check_readable(const solver *s, double t_end)
{
    double time = s->task.times[s->outputs.next];
    bool passed = outputs_reached(s, t_end, s->outputs.next) && time != t_end;
    return !passed || s->stepper->dense
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA,
                           "%s: %s has no step that ends at %.17g, and integrator %s no dense "
                           "output to read a time within a step from",
                           s->path, s->spec->replay_path, time,
                           s->stepper->instance->component->id);
}

/* A list may have been written by a solve of the other direction: an adjoint goes back through the
 * steps of its forward. */
static odeon_status solve_replayed(solver *s)
{
    double direction = solve_direction(s), last_h = (double)NAN;
    double slack = 1e-9 * fabs(solve_end(s) - s->task.times[0]);
    bool forward = (s->replay[0][1] > 0.0) == (direction > 0.0);
    if (!covers(s, forward, slack)) {
        return refuse_list(s);
    }
    for (size_t i = 0; i < s->n_replay && s->outputs.next < s->task.n_times; i++) {
        replayed_step step = listed(s, forward, i);
        if (!forward && !clip_to_solve(s, slack, &step)) {
            continue;
        }
        step.t_end = snap(s, step.t_end, !forward || i + 1 == s->n_replay, slack);
        ODEON_TRY(check_readable(s, step.t_end));
        ODEON_TRY(fixed_step_of(s, step.t, step.h, step.t_end, &last_h));
    }
    return ODEON_OK;
}

/* Adaptive solves do not come here. */
odeon_status fixed_solve(solver *s)
{
    switch (s->spec->mode) {
    case ODEON_STEPS_COUNT:
        return solve_equal(s);
    case ODEON_STEPS_SIZE:
        return solve_sized(s);
    default:
        return solve_replayed(s);
    }
}
