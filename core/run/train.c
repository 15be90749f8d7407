/* A run from its first step to its last, and the ways in which it ends: at its end, by a signal, by
 * a failure of numbers, of the device or of the disk. What is saved differs, since what can still
 * be trusted differs: after numbers that went astray the state of before the step, after a lost
 * device what is on the disk already, or else what the run began with. */
#include "run/train.h"

#include <inttypes.h>
#include <math.h>

#include "base/abandon.h"
#include "base/batches.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "config/phases.h"
#include "run/interrupt.h"
#include "run/train_best.h"
#include "run/train_checkpoints.h"
#include "run/train_length.h"
#include "run/train_rows.h"
#include "run/train_schedule.h"
#include "run/train_step.h"
#include "run/train_stop.h"
#include "run/train_summary.h"
#include "run/train_test.h"
#include "run/trainer.h"
#include "session/session.h"

/* Ends the run after a signal, once everything is saved. */
static odeon_status stop(trainer *t)
{
    ODEON_TRY(train_save_all(t));
    return diag_fail(ODEON_ERR_CANCELLED,
                     "stopped by %s after step %" PRId64 " of %" PRId64
                     "; weights in %s/weights.safetensors; to go on: %s",
                     interrupt_name(interrupt_signal()), t->at.step, t->total,
                     run_dir_path(t->plan->dir), t->plan->resume);
}

/* After a failure of the device nothing can be read from it: what the host has, the last checkpoint
 * or what the run began with, is what there is to go on from, and the message says so. */
static odeon_status leave_device(trainer *t, odeon_status status)
{
    const char *where = status == ODEON_ERR_NOMEM ? " where there is more memory" : "";
    diag_reason reason = diag_take();
    if (!t->has_saved) {
        train_save_start(t);
    }
    char *file = t->has_saved ? checkpoint_path(run_dir_path(t->plan->dir), t->saved_step) : NULL;
    if (file != NULL) {
        (void)diag_fail(
            status, "%s; kept: the state after step %" PRId64 " of %" PRId64 ", %s; to go on%s: %s",
            reason.text, t->saved_step, t->total, file, where, t->plan->resume);
    } else {
        (void)diag_fail(status, "%s; to begin again%s: %s", reason.text, where, t->plan->resume);
    }
    mem_free(file);
    return status;
}

/* A session_stuck: called on the thread of whichever worker waits, while others are at work, so
 * that nothing of the run is touched and nothing more is saved. No row is made within a step, so
 * that those that wait can be written. */
static void abandon_run(void *context, const char *message)
{
    const trainer *t = context;
    char text[2 * DIAG_MESSAGE_BYTES], saved[DIAG_MESSAGE_BYTES];
    run_dir_write_rows(t->plan->dir);
    train_saved_text(t, saved, sizeof saved);
    (void)snprintf(text, sizeof text, "%s; %s", message, saved);
    abandon_program(NULL, text);
}

/* The loop of a run. A run that goes on may stand before a test of the step that it has made, so
 * the test comes first; what is saved knows of it. */
static odeon_status train_steps_left(trainer *t)
{
    for (;;) {
        train_stop_if_due(t);
        ODEON_TRY(train_test_due(t) ? train_test(t) : ODEON_OK);
        ODEON_TRY(train_save_if_due(t));
        if (t->at.step >= t->total) {
            return ODEON_OK;
        }
        if (config_stage_after(t->config, t->at.step) != t->config->stage) {
            t->stage_over = true;
            return train_save_all(t);
        }
        ODEON_TRY(train_next_step(t));
        ODEON_TRY(t->at.position >= t->used ? train_event(t, ODEON_EVENT_EPOCH, ODEON_OK, NULL)
                                            : ODEON_OK);
        ODEON_TRY(train_save_if_asked(t));
        if (interrupt_signal() != 0) {
            return ODEON_ERR_CANCELLED;
        }
    }
}

/* Saves what is sound after a failure, which stays the run's failure whatever comes of this. A
 * device that is lost cannot be read, and where a file could not be written another will not be. */
static void save_sound(trainer *t, odeon_status status)
{
    bool readable =
        status != ODEON_ERR_DEVICE && status != ODEON_ERR_NOMEM && status != ODEON_ERR_IO;
    diag_reason reason = diag_take();
    if (readable && !t->torn && t->at.step > 0) {
        (void)train_save_all(t);
    } else if (status == ODEON_ERR_NUMERIC) {
        (void)train_save_weights(t);
    }
    (void)train_best_save(t);
    diag_clear();
    diag_adopt(reason.text);
}

/* With signals caught. */
static odeon_status train_until_end(trainer *t)
{
    ODEON_TRY(interrupt_catch());
    train_update_advice(t);
    odeon_status status = train_steps_left(t);
    if (status == ODEON_ERR_CANCELLED) {
        diag_clear();   /* what the evaluation said of the signal; the run says it better */
        return stop(t); /* with the signals caught: what is left to do may hang as well */
    }
    if (status != ODEON_OK) {
        save_sound(t, status);
    }
    interrupt_release();
    return status;
}

/* A change of configuration that was accepted is saved at once, so that it is asked for only
 * once. */
static odeon_status prepare(trainer *t, FILE *out)
{
    if (t->epoch_steps == 0) {
        return diag_fail(ODEON_ERR_DATA, "the training split has no batch of samples");
    }
    int64_t whole = t->total - t->at.extra;
    t->epochs = whole / t->epoch_steps + (whole % t->epoch_steps != 0);
    t->order = mem_zalloc((size_t)data_length(t->plan->train), sizeof *t->order);
    if (t->order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "training: no memory for %" PRId64 " indices",
                         data_length(t->plan->train));
    }
    ODEON_TRY(train_schedule_report_jump(t, out));
    ODEON_TRY(t->plan->changed ? train_save_checkpoint(t, false)
                               : ODEON_OK); /* accepted once is enough */
    t->test_again = train_best_step(t);
    ODEON_TRY(progress_create(t->plan->progress, t->epochs, t->total, &t->progress));
    progress_begin_after(t->progress, t->at.step);
    if (t->plan->from != NULL) {
        train_times_read(t->plan->dir, &t->times);
    }
    run_services_init(&t->services, t->progress, t->plan->page, t->plan->dir);
    return train_audit_create(t->plan->registry, t->config, run_dir_path(t->plan->dir), &t->audit);
}

/* Where a run begins or goes on; the clock goes on, too. */
static trainer begin(session *s, const config *c, const train_plan *plan)
{
    batches b = train_batches(c, data_epoch_length(plan->train));
    double now = clock_seconds();
    trainer t = {.session = s,
                 .config = c,
                 .plan = plan,
                 .used = batches_samples(&b),
                 .epoch_steps = batches_steps(&b),
                 .has_saved = plan->from != NULL,
                 .factor = 1.0,
                 .at = train_beginning(s, c, plan, plan->from),
                 .weights_step = -1,
                 .test_step = -1,
                 .validation_step = -1,
                 .saved_at = now,
                 .tested_at = now,
                 .reported_at = -(double)INFINITY,
                 .gradient_error = (double)NAN,
                 .failures = {.session = s, .config = c, .dir = plan->dir}};
    t.total = t.at.total;
    t.failures.in_a_row = t.at.failed;
    t.saved_step = t.at.step;
    t.saved_tested = t.at.tested;
    t.started = now - t.at.seconds;
    return t;
}

/* Also of a trainer whose prepare failed. */
static void trainer_fini(trainer *t)
{
    session_copy_fini(&t->best);
    train_audit_destroy(t->audit);
    progress_destroy(t->progress);
    mem_free(t->order);
    session_result_fini(&t->first);
    session_result_fini(&t->last);
    session_result_fini(&t->validated);
    session_result_fini(&t->tested);
}

/* The reason is the run's, whatever an observer makes of it. */
static void end_event(trainer *t, odeon_status status)
{
    diag_reason reason = diag_take();
    t->services.ends = true;
    train_times_write(t->plan->dir, &t->times);
    (void)train_event(t, ODEON_EVENT_END, status, status != ODEON_OK ? reason.text : NULL);
    diag_clear();
    diag_adopt(reason.text);
}

/* The run has not ended, so observers do not get its end. */
static odeon_status end_stage(trainer *t)
{
    train_times_write(t->plan->dir, &t->times);
    *t->plan->stage_over = true;
    trainer_fini(t);
    return ODEON_OK;
}

/* While steps are made, a worker that is stuck ends the program with a word on what is saved;
 * before and after, without. */
odeon_status train_run(session *s, const config *c, const train_plan *plan, FILE *out)
{
    trainer t = begin(s, c, plan);
    if ((t.at.tested != 0 && t.at.step >= t.total) || train_stop_was(&t)) {
        fprintf(out, "nothing is left to do after step %" PRId64 "\nresults in %s\n", t.at.step,
                run_dir_path(plan->dir));
        return ODEON_OK;
    }
    odeon_status status = prepare(&t, out);
    if (status == ODEON_OK) {
        status = train_event(&t, ODEON_EVENT_BEGIN, ODEON_OK, NULL);
    }
    if (status == ODEON_OK) {
        session_on_stuck(s, abandon_run, &t);
        status = train_until_end(&t);
        session_on_stuck(s, abandon_program, NULL);
    }
    if (status == ODEON_ERR_DEVICE || status == ODEON_ERR_NOMEM) {
        status = leave_device(&t, status);
    }
    if (status == ODEON_OK && t.stage_over) {
        return end_stage(&t);
    }
    end_event(&t, status);
    progress_destroy(t.progress); /* takes its line off the terminal before the summary */
    t.progress = NULL;
    if (status == ODEON_OK) {
        train_stop_print(&t, out);
        train_print_summary(&t, out);
        status = train_best_test(&t, out);
        fprintf(out, "results in %s\n", run_dir_path(plan->dir));
    }
    trainer_fini(&t);
    return status;
}
