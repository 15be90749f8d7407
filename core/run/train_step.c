/* One optimizer step of a run, with what stands around it: the order of the epoch, the rate, what
 * is read ahead, the row and the line. The state at moves only after the step is made, so that
 * whatever fails before leaves a run that can be saved as it stands. */
#include "run/train_step.h"

#include <math.h>

#include "base/clock.h"
#include "run/train_checkpoints.h"
#include "run/train_phase.h"
#include "run/train_rows.h"
#include "run/train_schedule.h"
#include "session/curves.h"
#include "session/describe.h"
#include "session/failure.h"
#include "session/placement.h"
#include "session/run_batch.h"

/* A step that was skipped has a row without loss. */
static odeon_status survive_step(trainer *t, int64_t n, session_result *failed)
{
    ODEON_TRY(failures_handle(&t->failures));
    failed->loss = failed->grad_norm = (double)NAN;
    for (size_t i = 0; i < ODEON_MAX_METRICS; i++) {
        failed->metrics[i] = (double)NAN;
    }
    ODEON_TRY(train_write_step_row(t, failed));
    return train_step_event(t, n, failed);
}

/* Has the batch behind this one of n samples read ahead, if the epoch has one. */
static void expect_next(trainer *t, int64_t n)
{
    int64_t next = t->at.position + n, left = t->used - next;
    if (left > 0 && t->at.step < t->total) {
        session_expect(t->session, t->plan->train,
                       left < t->config->batch ? left : t->config->batch, t->order + next);
    }
}

/* The line shows the last result, smoothed by progress itself. */
static void show_step(trainer *t, int64_t n, const session_result *result)
{
    progress_step step = {.epoch = t->at.epoch,
                          .step = t->at.step,
                          .n = n,
                          .seconds = t->batch_seconds,
                          .device = train_shown_device(t, result)};
    step.metric_name = train_shown_metric(t, result, &step.metric);
    progress_train(t->progress, &step, result);
}

/* Of the parameters that the step has come to. */
static void audit_step(trainer *t)
{
    train_times_add_step(&t->times, &t->last.seconds, session_device_is_apart(t->session));
    train_audit_drift(t->audit, &t->last, t->at.step);
    if (train_audit_due(t->audit, t->at.step)) {
        double began = clock_seconds();
        t->gradient_error = train_audit_measure(t->audit, t->session, t->at.step);
        t->times.seconds[TRAIN_AUDIT] += clock_seconds() - began;
    }
}

/* A step that was made: it counts as the run's last, is shown, and perhaps has a row. */
static odeon_status record_step(trainer *t, int64_t n, const session_result *made)
{
    int64_t step = t->at.step;
    ODEON_TRY(session_result_copy(made, &t->last));
    t->failures.in_a_row = 0;
    if (step == 1) {
        ODEON_TRY(session_result_copy(made, &t->first));
    }
    t->row_samples += n;
    t->row_seconds += t->batch_seconds;
    audit_step(t);
    show_step(t, n, &t->last);
    ODEON_TRY(step == 1 || step == t->total || step % t->config->log_every == 0
                  ? train_write_step_row(t, &t->last)
                  : ODEON_OK);
    return train_step_event(t, n, &t->last);
}

/* Trains on the next n samples of the epoch. position moves once the parameters are those of after
 * the step, or the step is skipped. */
static odeon_status train_batch(trainer *t, int64_t n)
{
    checkpoint *at = &t->at;
    session_result result;
    at->step++;
    at->tested = 0;
    ODEON_TRY(train_schedule_step(t));
    expect_next(t, n);
    session_clear_figures(t->session);
    double began = clock_seconds();
    odeon_status status = session_train(t->session, t->plan->train, n, t->order + at->position,
                                        at->epoch, at->step, t->factor, &result);
    session_curves_rest(t->session);
    t->batch_seconds = clock_seconds() - began;
    if (status == ODEON_ERR_NUMERIC) {
        t->torn = session_failed_batch(t->session) == NULL;
        ODEON_TRY(survive_step(t, n, &result));
        at->position += n;
        return ODEON_OK;
    }
    t->torn = status != ODEON_OK;
    ODEON_TRY(status);
    at->position += n;
    return record_step(t, n, &result);
}

/* The checkpoint is the last that the optimizer of before can go on from. */
static odeon_status begin_phase(trainer *t)
{
    if (!train_phase_begins(t)) {
        return ODEON_OK;
    }
    ODEON_TRY(t->saved_step == t->at.step ? ODEON_OK : train_save_checkpoint(t, false));
    return train_phase_enter(t);
}

/* What is saved after a failure is the state of before the step, unless the step was made and
 * only its row could not be written. */
odeon_status train_next_step(trainer *t)
{
    checkpoint *at = &t->at;
    if (at->position >= t->used) {
        at->epoch++;
        at->position = 0;
    }
    if (t->ordered != at->epoch) {
        ODEON_TRY(data_order(t->plan->train, t->config->seed, at->epoch, t->order));
        t->ordered = at->epoch;
    }
    int64_t left = t->used - at->position;
    ODEON_TRY(begin_phase(t));
    checkpoint before = *at;
    before.failed = t->failures.in_a_row;
    odeon_status status = train_batch(t, left < at->batch ? left : at->batch);
    if (status != ODEON_OK && at->position == before.position) { /* the step was not made */
        *at = before;
        t->failures.in_a_row = before.failed;
    }
    return status;
}
