/* The host steers: after each trial step it reads how the step went. Whatever decides lies in slots
 * on the device and is the same for all workers, so all of them take, reject or give up the same
 * step. */
#include "solver/adaptive.h"

#include <math.h>
#include <stdio.h>

#include "base/diag.h"
#include "device/worker_group.h"
#include "odeon/device_solver.h"
#include "solver/controller.h"
#include "solver/device_solve.h"
#include "solver/diagnosis.h"
#include "solver/event.h"
#include "solver/executor.h"
#include "solver/failure.h"
#include "solver/outputs.h"
#include "solver/step.h"

/* ---- a step that could not be evaluated ---- */

/* A layer rejected its input within this step: it is tried again with h * factor_min, the strongest
 * cut that the controller makes. The error history stays, since no error was measured. A cut step
 * is no longer the last one, so LAST is taken back. */
static odeon_status shrink(solver *s, trial *now)
{
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H] * s->control.factor_min;
    double zero = 0.0;
    diag_clear();
    ODEON_TRY(step_set_time(s, t, h));
    ODEON_TRY(ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                       .first = ODEON_SLOT_LAST, .n = 1, .values = &zero));
    return controller_read(s, now);
}

/* Is the smaller step one that moves t and that the block allows? */
static bool can_shrink(const solver *s, const trial *now)
{
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H] * s->control.factor_min;
    return t + h != t && fabs(h) >= s->control.h_min && fabs(h) >= controller_least_step(s);
}

/* Only a positive status leaves the other workers going on, and the step to be tried again; it has
 * been shared, so they are all here. A negative one ends the batch. */
static odeon_status void_step(solver *s, trial *now, odeon_status status)
{
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H];
    bool again = status > 0 && can_shrink(s, now);
    solve_log_add(&s->log, t, h, (double)NAN, again ? ATTEMPT_REJECTED : ATTEMPT_FATAL);
    step_reject(s);
    if (status > 0) {
        worker_group_resolve(s->lane->group);
    }
    if (status < 0 || again) {
        return status < 0 ? status : shrink(s, now);
    }
    diagnose_void(s);
    return solve_fail(s, t, h * s->control.factor_min, (double)NAN,
                      s->stepper->implicit ? "step size underflow: a stage cannot be solved"
                                           : "step size underflow: a layer cannot be evaluated",
                      "smaller steps do not help it");
}

/* ---- a step that was judged ---- */

/* Whether it is the block's own limit that the step has come to, or rounding: only in the first
 * case does a smaller h_min help. Without an error nothing can be said of what the error asks for.
 */
static odeon_status too_small(solver *s, const trial *before, const trial *after, double error)
{
    char what[96];
    double t = after->slots[ODEON_SLOT_T], h = after->slots[ODEON_SLOT_H];
    bool limited = fabs(h) < s->control.h_min && fabs(h) >= controller_least_step(s) && t + h != t;
    if (!limited || isnan(error)) {
        return fail_underflow(s, before->slots[ODEON_SLOT_T], before->slots[ODEON_SLOT_H], error);
    }
    (void)snprintf(what, sizeof what, "the error asks for a step below h_min = %g",
                   s->control.h_min);
    return solve_fail(s, t, h, error, what, "a smaller h_min, or a larger rtol or atol, may help");
}

/* The controller has found that the next step would be too small. */
static bool underflows(const trial *x)
{
    return x->slots[ODEON_SLOT_STATUS] == (double)ODEON_STEP_UNDERFLOW;
}

/* Takes the step just judged, or not; after, which the control proposes, is tried next. unclipped_h
 * remembers the last size that was not cut for a time, so that one short step before an output does
 * not make the steps behind it short. */
static odeon_status take_step(solver *s, const program *p, const trial *now, const trial *after)
{
    double t = now->slots[ODEON_SLOT_T], h = now->slots[ODEON_SLOT_H];
    if (after->slots[ODEON_SLOT_ACCEPT] == 0.0) {
        s->unclipped_h = 0.0;
        step_reject(s);
        return ODEON_OK;
    }
    s->unclipped_h = now->slots[ODEON_SLOT_LAST] == 0.0 ? h : s->unclipped_h;
    return step_accept(s, p, t, h, after->slots[ODEON_SLOT_T]);
}

/* Values of stages, which a step made slice by slice has not left, are made again for it; T and H
 * are the next step's afterwards, as they were. */
static odeon_status diagnose(solver *s, const program *p, const trial *now, const trial *after)
{
    double h = now->slots[ODEON_SLOT_H];
    ODEON_TRY(step_make_whole(s, p, now->slots[ODEON_SLOT_T], h));
    diagnose_step(s, p, h);
    return step_set_time(s, after->slots[ODEON_SLOT_T], after->slots[ODEON_SLOT_H]);
}

/* Judges the step just run. If the solve ends here without success, its cause is found while the
 * step's registers are still bound. A step that comes to the end is a success even where the next
 * one would underflow. Behind an output that the step was cut for, the controller is started again.
 */
static odeon_status judge(solver *s, const program *p, trial *now)
{
    trial after;
    ODEON_TRY(ODEON_DO(s->lane->device, solver, step_control, s->lane->queue,
                       .control = &s->control, .slots = s->slots));
    ODEON_TRY(controller_read(s, &after));
    bool accepted = after.slots[ODEON_SLOT_ACCEPT] != 0.0;
    ODEON_TRY(accepted ? event_cut(s, p, now->slots[ODEON_SLOT_T], &now->slots[ODEON_SLOT_H],
                                   &after.slots[ODEON_SLOT_T], after.slots[ODEON_SLOT_H])
                       : ODEON_OK);
    double error = after.slots[ODEON_SLOT_ERROR], h = now->slots[ODEON_SLOT_H];
    bool done = accepted && outputs_reached(s, after.slots[ODEON_SLOT_T], s->task.n_times - 1);
    bool fails = !done && (underflows(&after) || controller_steps_left(s) <= 1);
    solve_log_add(&s->log, now->slots[ODEON_SLOT_T], h, error,
                  accepted ? ATTEMPT_ACCEPTED : ATTEMPT_REJECTED);
    if (fails) {
        ODEON_TRY(diagnose(s, p, now, &after));
    }
    ODEON_TRY(take_step(s, p, now, &after));
    if (underflows(&after) && !done) {
        return too_small(s, now, &after, error);
    }
    *now = after;
    return done || after.slots[ODEON_SLOT_DONE] == 0.0 ? ODEON_OK : controller_resume(s, now);
}

/* Each worker runs its slice; the error norm is that of all, so all take or reject the step. The
 * collective is made also by a worker whose step has failed, or the others would wait for it. */
static odeon_status trial_step(solver *s, trial *now)
{
    const program *p;
    ODEON_TRY(stepper_program(s->stepper, s->step.index, &p));
    ODEON_TRY(step_reserve(s, p));
    s->step.t = now->slots[ODEON_SLOT_T];
    s->step.h = now->slots[ODEON_SLOT_H];
    odeon_status status = step_run(s, p);
    if (status == ODEON_OK) {
        status = step_error_sums(s, p);
    }
    status = controller_reduce_error(s, status);
    return status == ODEON_OK ? judge(s, p, now) : void_step(s, now, status);
}

/* ---- the loop ---- */

/* Slots, the method's start, the first step; the loop's context is the trial under way. */
static odeon_status begin(solver *s, void *context)
{
    double t0 = s->task.times[0], first = solve_direction(s) * s->spec->first_step;
    ODEON_TRY(controller_write_slots(s));
    ODEON_TRY(step_begin(s, t0));
    return controller_first_step(s, first, context);
}

/* One pass of the loop: a limit that has been reached is an error here, before the next trial. A
 * size of 0 or one that is not finite comes of a first step that could not be chosen. */
static odeon_status step(solver *s, void *context)
{
    trial *now = context;
    double h = now->slots[ODEON_SLOT_H];
    if (controller_steps_left(s) <= 0) {
        return fail_max_steps(s, now->slots[ODEON_SLOT_T], h, now->slots[ODEON_SLOT_ERROR]);
    }
    if (!isfinite(h) || h == 0.0 || underflows(now)) {
        return too_small(s, now, now, (double)NAN);
    }
    return trial_step(s, now);
}

/* Outputs are what a solve is for: it has come to its end when all are read. */
static odeon_status more(solver *s, void *context, int64_t passes, bool whole, bool *out)
{
    (void)context;
    (void)passes;
    (void)whole;
    *out = s->outputs.next < s->task.n_times;
    return ODEON_OK;
}

/* All has been done within the steps. */
static odeon_status end(solver *s, void *context)
{
    (void)s;
    (void)context;
    return ODEON_OK;
}

/* The device is asked first. A limit of steps that has come to 0 would be none to it, since 0
 * stands for no limit there. What it leaves undone is done here from the same start: Y0 is bound
 * anew, because the device's attempt has released it. */
odeon_status adaptive_solve(solver *s)
{
    bool solved = false;
    bound_vector y0 = s->step.value[REG_Y0];
    trial now;
    ODEON_TRY(controller_init(s));
    ODEON_TRY(controller_steps_left(s) > 0 && s->watch == NULL ? device_solve(s, &solved)
                                                               : ODEON_OK);
    if (solved) {
        return ODEON_OK;
    }
    const step_loop loop = {.begin = begin,
                            .step = step,
                            .end = end,
                            .more = more,
                            .context = &now,
                            .has_eager_step = true};
    execution how = executor_eager();
    s->step.value[REG_Y0] = y0;
    ODEON_TRY(execute_loop(s, &how, &loop));
    device_solve_prepare(s);
    return ODEON_OK;
}
