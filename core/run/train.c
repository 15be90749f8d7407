#include "run/train.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "base/abandon.h"
#include "base/batches.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "odeon/host.h"
#include "run/evaluate.h"
#include "run/failures.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "run/run_checkpoint.h"
#include "session/describe.h"
#include "session/failure.h"
#include "session/placement.h"
#include "session/result.h"
#include "session/run_batch.h"
#include "session/session.h"
#include "session/weights.h"

static const char best_name[] = "weights-best.safetensors";

/* Up to so many parameters the best weights wait in memory for the next checkpoint. */
static const int64_t most_copied = 2000000;
/* Lines about tests come no faster than this. */
static const double line_seconds = 1.0;
/* Of a batch that takes this long, a signal may not await the end. */
static const double long_batch_seconds = 1.0, long_batch_checkpoint_seconds = 30.0;

typedef struct trainer {
    session *session;
    const config *config;
    const train_plan *plan;
    progress *progress;
    int64_t *order;                   /* of the epoch's samples */
    int64_t ordered;                  /* the epoch that it is of; 0: none yet */
    int64_t used, epoch_steps;        /* samples and steps of an epoch */
    int64_t total, epochs;            /* steps of the run, epochs that it comes to */
    checkpoint at;                    /* where the run stands */
    int64_t saved_step, saved_tested; /* of the last checkpoint */
    int64_t weights_step;             /* of weights.safetensors; -1: not known */
    bool has_saved;                   /* there is a checkpoint */
    bool torn;                        /* the session may hold half of a step */
    session_copy best;                /* weights of at.best_step that are in no file yet */
    int64_t test_again; /* a step that was tested before and is to be again; 0: none */
    double started, saved_at, tested_at, said_at; /* by the clock; saved: with weights */
    double factor;                                /* of the last step's learning rate */
    double batch_seconds;                         /* of the last step's training */
    double row_seconds; /* of training since the last row, and its images */
    int64_t row_images;
    session_result first, last, tested;
    failures failures;
} trainer;

static batches batches_of(const config *c, int64_t samples)
{
    return (batches){.samples = samples, .batch = c->batch, .drop_last = c->drop_last};
}

int64_t train_steps_an_epoch(const config *c, int64_t samples)
{
    batches b = batches_of(c, samples);
    return batches_steps(&b);
}

/* Where a run stands that goes on from there with another number of samples or another batch: what
 * is left of the epoch is cut anew. */
static checkpoint cut_anew(const config *c, int64_t samples, checkpoint at)
{
    batches b = batches_of(c, samples);
    int64_t used = batches_samples(&b), steps = 0;
    if (at.samples == samples && at.batch == b.batch && (at.drop_last != 0) == b.drop_last) {
        return at;
    }
    at.samples = samples;
    at.batch = b.batch;
    at.drop_last = b.drop_last;
    at.position = at.position < used ? at.position : used;
    at.position += b.drop_last ? (used - at.position) % b.batch : 0;
    at.extra = batches_steps_until(&b, at.epoch, at.position, &steps) ? at.step - steps : 0;
    return at;
}

int64_t train_steps(const config *c, int64_t samples, const checkpoint *from)
{
    batches b = batches_of(c, samples);
    int64_t total = 0, extra = from != NULL ? cut_anew(c, samples, *from).extra : 0;
    if (c->iterations > 0) {
        return c->iterations;
    }
    return checked_mul(batches_steps(&b), c->epochs, &total) && checked_add(total, extra, &total)
               ? total
               : INT64_MAX;
}

odeon_status train_check_batches(const session *s, const config *c, int64_t samples)
{
    session_layer layer;
    int64_t least = session_min_batch(s, &layer);
    if (c->batch < least) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: layer %s takes no fewer than %" PRId64
                         " samples a batch in training, but data.batch = %" PRId64,
                         layer.path, layer.layer, least, c->batch);
    }
    batches b = batches_of(c, samples);
    int64_t last = batches_samples(&b) % c->batch;
    bool reached = last > 0 && train_steps(c, samples, NULL) >= batches_steps(&b);
    if (reached && last < least) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: layer %s takes no fewer than %" PRId64
                         " samples a batch in training, but the last batch of an epoch has %" PRId64
                         ": %" PRId64 " samples, data.batch = %" PRId64
                         "; leave it out (data.drop_last = yes), or choose another data.batch",
                         layer.path, layer.layer, least, last, samples, c->batch);
    }
    return ODEON_OK;
}

static odeon_status write_row(trainer *t, const char *split, const session_result *result,
                              double samples_per_second)
{
    bool training = split[1] == 'r';
    metrics_row row = {.step = t->at.step,
                       .epoch = t->at.epoch,
                       .seconds = clock_seconds() - t->started,
                       .split = split,
                       .loss = result->loss,
                       .n_metrics = session_metric_count(t->session),
                       .metric_names = session_metric_names(t->session),
                       .metrics = result->metrics,
                       .lr = training ? t->factor * session_learning_rate(t->session) : (double)NAN,
                       .grad_norm = training ? result->grad_norm : (double)NAN,
                       .samples_per_second = samples_per_second,
                       .device = result->device,
                       .n_blocks = result->n_blocks,
                       .blocks = result->blocks};
    return run_dir_metrics(t->plan->dir, &row);
}

static odeon_status write_train_row(trainer *t, const session_result *result)
{
    double rate = t->row_seconds > 0.0 ? (double)t->row_images / t->row_seconds : (double)NAN;
    t->row_seconds = 0.0;
    t->row_images = 0;
    return write_row(t, "train", result, rate);
}

/* The metric that stands beside the loss in what is shown, with its value; NULL: none, or one that
 * only says the same once more, as the mean of absolute differences beside l1. */
static const char *shown_metric(const trainer *t, const session_result *result, double *value)
{
    enum { SAME = 100000 }; /* two sums of float32 terms differ by less than one part of it */
    int32_t shown = session_headline(t->session);
    *value = shown >= 0 ? result->metrics[shown] : 0.0;
    if (shown < 0 || fabs(*value - result->loss) * SAME <= fabs(result->loss)) {
        return NULL;
    }
    return session_metric_names(t->session)[shown];
}

/* Of a device that is the host itself, nobody wants to know how often it was asked. */
static device_counters shown_device(const trainer *t, const session_result *result)
{
    return session_device_is_apart(t->session) ? result->device : (device_counters){-1, -1, -1};
}

/* ---- weights ---- */

static char *file_of(const trainer *t, const char *name)
{
    char *file = run_dir_file(t->plan->dir, name);
    if (file == NULL) {
        (void)diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", name);
    }
    return file;
}

static odeon_status save_weights(trainer *t)
{
    char *file = file_of(t, "weights.safetensors");
    odeon_status status = file != NULL ? session_save(t->session, file) : ODEON_ERR_NOMEM;
    if (status == ODEON_OK) {
        t->weights_step = t->at.step;
    }
    mem_free(file);
    return status;
}

static odeon_status write_best(trainer *t)
{
    int64_t step = t->config->eval_unit == CONFIG_SECONDS ? t->at.best_step : 0;
    char *file = file_of(t, best_name);
    odeon_status status =
        file != NULL ? session_copy_write(&t->best, t->session, step, file) : ODEON_ERR_NOMEM;
    mem_free(file);
    return status;
}

/* The best weights stay in memory until something is saved: a run of small epochs would spend its
 * time on files. Nothing is lost thereby, since a run that is killed goes on from a checkpoint that
 * is as old, and comes to the same tests. But one that tests by the clock need not: it finds the
 * step in the file and tests there once more. */
static odeon_status save_best(trainer *t)
{
    odeon_status status = t->best.data != NULL ? write_best(t) : ODEON_OK;
    if (status == ODEON_OK) {
        session_copy_fini(&t->best);
    }
    return status;
}

/* The step that the best weights' file is of; 0 without one, or where tests do not go by the clock.
 */
static int64_t step_of_best(const trainer *t)
{
    safetensors *tensors = NULL;
    int64_t step = 0;
    char *file =
        t->config->eval_unit == CONFIG_SECONDS ? run_dir_file(t->plan->dir, best_name) : NULL;
    if (file != NULL && access(file, R_OK) == 0 && safetensors_read(file, &tensors) == ODEON_OK) {
        const char *text = safetensors_metadata(tensors, "step");
        if (text == NULL || number_parse_i64(text, &step) != NUMBER_OK) {
            step = 0;
        }
    }
    diag_clear(); /* of a file that cannot be read, the run makes another */
    safetensors_destroy(tensors);
    mem_free(file);
    return step;
}

/* ---- checkpoints ---- */

/* Where the run begins, or goes on. */
static checkpoint beginning(const session *s, const config *c, const train_plan *plan,
                            const checkpoint *from)
{
    int64_t samples = data_length(plan->train);
    checkpoint at = from != NULL ? cut_anew(c, samples, *from)
                                 : (checkpoint){.epoch = 1,
                                                .best = -(double)INFINITY,
                                                .samples = samples,
                                                .batch = c->batch,
                                                .drop_last = c->drop_last};
    at.total = train_steps(c, samples, from);
    at.workers = session_workers(s);
    at.train_data = plan->train_data;
    at.test_data = plan->test_data;
    at.config = c->effective;
    return at;
}

/* Where the run could go on if it were ended this moment. */
static void kept_text(const trainer *t, char *text, size_t bytes)
{
    char *file = t->has_saved ? checkpoint_path(run_dir_path(t->plan->dir), t->saved_step) : NULL;
    if (file != NULL) {
        (void)snprintf(text, bytes,
                       "kept: the state after step %" PRId64 " of %" PRId64 ", %s; to go on: %s",
                       t->saved_step, t->total, file, t->plan->resume);
    } else {
        (void)snprintf(text, bytes, "nothing is saved yet; to begin again: %s", t->plan->resume);
    }
    mem_free(file);
}

static void tell_kept(const trainer *t)
{
    char text[DIAG_MESSAGE_BYTES];
    kept_text(t, text, sizeof text);
    (void)diag_fail(ODEON_ERR_CANCELLED, "%s", text); /* without control characters, as all */
    interrupt_tell(diag_message());
    diag_clear();
}

static odeon_status write_checkpoint(trainer *t, bool weights)
{
    t->at.metrics = run_dir_sync(t->plan->dir); /* no row of the checkpoint's may be lost */
    t->at.seconds = clock_seconds() - t->started;
    t->at.failed = t->failures.in_a_row;
    ODEON_TRY(save_best(t)); /* before the checkpoint that takes it for granted */
    ODEON_TRY(weights ? save_weights(t) : ODEON_OK);
    return run_checkpoint_write(run_dir_path(t->plan->dir), t->session, &t->at);
}

static odeon_status save_checkpoint(trainer *t, bool weights)
{
    /* what a slow disk may take: a minute, and ten seconds for every million parameters */
    interrupt_allow(60.0 + 1e-5 * (double)session_parameter_count(t->session));
    odeon_status status = write_checkpoint(t, weights);
    interrupt_allow(INTERRUPT_SECONDS);
    ODEON_TRY(status);
    t->saved_step = t->at.step;
    t->saved_tested = t->at.tested;
    t->saved_at = weights ? clock_seconds() : t->saved_at;
    t->has_saved = true;
    tell_kept(t);
    return ODEON_OK;
}

/* Is this a moment for a checkpoint and weights? The end is; so is the end of an epoch, or a test,
 * once enough time has passed; and so is any, where batches are so long that a signal need not find
 * one at its end. */
static bool save_due(const trainer *t)
{
    const config *c = t->config;
    double passed = clock_seconds() - t->saved_at;
    bool edge = t->at.position == t->used || t->at.tested != 0;
    bool is_long = t->batch_seconds >= long_batch_seconds;
    return t->at.step >= t->total || (edge && passed >= c->checkpoint_seconds) ||
           (is_long && passed >= fmax(c->checkpoint_seconds, long_batch_checkpoint_seconds));
}

static odeon_status save_if_due(trainer *t)
{
    bool saved = t->saved_step == t->at.step && t->saved_tested == t->at.tested;
    return !saved && save_due(t) ? save_checkpoint(t, true) : ODEON_OK;
}

/* Before anything else is done with the step, such as a test. */
static odeon_status save_step_if_asked(trainer *t)
{
    int64_t every = t->config->checkpoint_every;
    return every > 0 && t->at.step % every == 0 ? save_checkpoint(t, false) : ODEON_OK;
}

/* ---- one step ---- */

/* A step that was skipped has a row without loss. */
static odeon_status survive_step(trainer *t, session_result *failed)
{
    ODEON_TRY(failures_meet(&t->failures));
    failed->loss = failed->grad_norm = (double)NAN;
    for (size_t i = 0; i < ODEON_MAX_METRICS; i++) {
        failed->metrics[i] = (double)NAN;
    }
    return write_train_row(t, failed);
}

/* What the learning rate of a step is multiplied with, in a run of so many. */
static odeon_status schedule_of(const trainer *t, int64_t step, int64_t total, double *factor)
{
    double an_epoch = (double)t->epoch_steps;
    odeon_position position = {.struct_size = sizeof position,
                               .step = step,
                               .steps = total,
                               .steps_an_epoch = t->epoch_steps,
                               .epoch = (double)(step - 1 - t->at.extra) / an_epoch,
                               .epochs = (double)(total - t->at.extra) / an_epoch};
    return session_schedule(t->session, &position, factor);
}

static odeon_status schedule_step(trainer *t)
{
    ODEON_TRY(schedule_of(t, t->at.step, t->total, &t->factor));
    t->at.rate = t->factor * session_learning_rate(t->session);
    return ODEON_OK;
}

/* A schedule that follows from the length of the run is another one where the run is made longer:
 * its learning rate jumps. So it may where the configuration is another. */
static odeon_status say_jump(const trainer *t, FILE *out)
{
    const checkpoint *from = t->plan->from;
    if (from == NULL || from->step == 0 || from->step >= t->total) {
        return ODEON_OK;
    }
    char before[32], after[32];
    double now = 1.0, then = 1.0, rate = session_learning_rate(t->session);
    int64_t next = from->step + 1;
    ODEON_TRY(schedule_of(t, next, t->total, &now));
    ODEON_TRY(schedule_of(t, next < from->total ? next : from->total, from->total, &then));
    double expected = t->plan->changed ? from->rate : then * rate;
    if (fabs(now * rate - expected) <= 1e-12 * fmax(fabs(now * rate), fabs(expected))) {
        return ODEON_OK;
    }
    progress_number(from->rate, before);
    progress_number(now * rate, after);
    fprintf(out, "the learning rate jumps from %s in step %" PRId64 " to %s in step %" PRId64,
            before, from->step, after, next);
    if (now != then) {
        fprintf(out, ": the schedule is that of %" PRId64 " steps, it was that of %" PRId64,
                t->total, from->total);
    }
    fputs("\n", out);
    return ODEON_OK;
}

/* The batch behind that of n samples, if the epoch has one. */
static void expect_next(trainer *t, int64_t n)
{
    int64_t next = t->at.position + n, left = t->used - next;
    if (left > 0 && t->at.step < t->total) {
        session_expect(t->session, t->plan->train,
                       left < t->config->batch ? left : t->config->batch, t->order + next);
    }
}

static void show_step(trainer *t, int64_t n, const session_result *result)
{
    progress_step step = {.epoch = t->at.epoch,
                          .step = t->at.step,
                          .n = n,
                          .seconds = t->batch_seconds,
                          .device = shown_device(t, result)};
    step.metric_name = shown_metric(t, result, &step.metric);
    progress_train(t->progress, &step, result);
}

static odeon_status train_batch(trainer *t, int64_t n)
{
    const config *c = t->config;
    checkpoint *at = &t->at;
    session_result *result = &t->last, fresh;
    at->step++;
    at->tested = 0;
    ODEON_TRY(schedule_step(t));
    expect_next(t, n);
    double began = clock_seconds();
    odeon_status status = session_train(t->session, t->plan->train, n, t->order + at->position,
                                        at->epoch, at->step, t->factor, &fresh);
    t->batch_seconds = clock_seconds() - began;
    t->torn =
        status == ODEON_ERR_NUMERIC ? session_failed_batch(t->session) == NULL : status != ODEON_OK;
    if (status == ODEON_ERR_NUMERIC) {
        ODEON_TRY(survive_step(t, &fresh));
        at->position += n;
        return ODEON_OK;
    }
    ODEON_TRY(status);
    at->position += n;
    ODEON_TRY(session_result_copy(&fresh, result));
    t->failures.in_a_row = 0;
    if (at->step == 1) {
        ODEON_TRY(session_result_copy(result, &t->first));
    }
    t->row_images += n;
    t->row_seconds += t->batch_seconds;
    show_step(t, n, result);
    return at->step == 1 || at->step == t->total || at->step % c->log_every == 0
               ? write_train_row(t, result)
               : ODEON_OK;
}

/* The batch after the last one, of this epoch or the next. */
static odeon_status train_next(trainer *t)
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
    checkpoint before = *at;
    before.failed = t->failures.in_a_row;
    odeon_status status = train_batch(t, left < t->config->batch ? left : t->config->batch);
    if (status != ODEON_OK && at->position == before.position) { /* the step was not made */
        *at = before;
        t->failures.in_a_row = before.failed;
    }
    return status;
}

/* ---- tests ---- */

static odeon_status keep_best(trainer *t)
{
    checkpoint *at = &t->at;
    const char *metric;
    double score = session_score(t->session, &t->tested, &metric);
    if (!(score > at->best)) {
        return ODEON_OK;
    }
    at->best = score;
    at->best_epoch = at->epoch;
    at->best_step = at->step;
    session_copy_fini(&t->best);
    if (session_parameter_count(t->session) > most_copied) { /* no copy of what is large */
        return write_best(t);
    }
    odeon_status status = session_copy_take(t->session, &t->best);
    if (status != ODEON_OK) {
        session_copy_fini(&t->best); /* the half of it is nothing */
    }
    return status;
}

/* The last one always, the others no faster than anybody reads. */
static void say_tested(trainer *t)
{
    double value, now = clock_seconds();
    const char *name = shown_metric(t, &t->tested, &value);
    if (t->at.step >= t->total || now - t->said_at >= line_seconds) {
        progress_tested(t->progress, t->at.epoch, t->at.step, t->tested.loss, name, value);
        t->said_at = now;
    }
}

static bool test_due(const trainer *t)
{
    const config *c = t->config;
    const checkpoint *at = &t->at;
    if (at->step == 0 || at->tested != 0) {
        return false;
    }
    if (at->step >= t->total || at->step == t->test_again) {
        return true;
    }
    switch (c->eval_unit) {
    case CONFIG_STEPS:
        return at->step % c->eval_every == 0;
    case CONFIG_SECONDS:
        return clock_seconds() - t->tested_at >= c->eval_seconds;
    default:
        return at->position >= t->used && at->epoch % c->eval_every == 0;
    }
}

static odeon_status test(trainer *t)
{
    session_result *result = &t->tested;
    double began = clock_seconds();
    odeon_status status =
        evaluate_split(t->session, t->plan->test, t->config->test_batch, t->progress, result);
    ODEON_TRY(status == ODEON_ERR_NUMERIC ? failures_meet(&t->failures) : status);
    t->tested_at = clock_seconds();
    double rate = (double)data_length(t->plan->test) / (t->tested_at - began);
    ODEON_TRY(write_row(t, "test", result, rate));
    ODEON_TRY(keep_best(t));
    t->at.tested = 1;
    say_tested(t);
    return ODEON_OK;
}

/* ---- the whole ---- */

/* Weights and checkpoint of where the run stands. */
static odeon_status save_all(trainer *t)
{
    bool saved = t->saved_step == t->at.step && t->saved_tested == t->at.tested &&
                 t->weights_step == t->at.step;
    return saved ? ODEON_OK : save_checkpoint(t, true);
}

/* The answer to a signal, once everything is safe. */
static odeon_status stop(trainer *t)
{
    ODEON_TRY(save_all(t));
    return diag_fail(ODEON_ERR_CANCELLED,
                     "stopped by %s after step %" PRId64 " of %" PRId64
                     "; weights in %s/weights.safetensors; to go on: %s",
                     interrupt_name(interrupt_signal()), t->at.step, t->total,
                     run_dir_path(t->plan->dir), t->plan->resume);
}

/* What the run began with becomes its checkpoint. */
static void keep_start(trainer *t)
{
    checkpoint at = beginning(t->session, t->config, t->plan, NULL);
    if (run_checkpoint_write_start(run_dir_path(t->plan->dir), t->session, &at) == ODEON_OK) {
        t->has_saved = true;
    } else {
        diag_log(ODEON_LOG_WARNING, "the weights of before the first step are not kept: %s",
                 diag_message());
    }
    diag_clear();
}

/* After a failure of the device nothing can be read from it: what the host has, the last checkpoint
 * or what the run began with, is what there is to go on from, and the message says so. */
static odeon_status leave_device(trainer *t, odeon_status status)
{
    char message[DIAG_MESSAGE_BYTES];
    const char *where = status == ODEON_ERR_NOMEM ? " where there is more memory" : "";
    (void)snprintf(message, sizeof message, "%s", diag_message());
    diag_clear();
    if (!t->has_saved) {
        keep_start(t);
    }
    char *file = t->has_saved ? checkpoint_path(run_dir_path(t->plan->dir), t->saved_step) : NULL;
    if (file != NULL) {
        (void)diag_fail(
            status, "%s; kept: the state after step %" PRId64 " of %" PRId64 ", %s; to go on%s: %s",
            message, t->saved_step, t->total, file, where, t->plan->resume);
    } else {
        (void)diag_fail(status, "%s; to begin again%s: %s", message, where, t->plan->resume);
    }
    mem_free(file);
    return status;
}

/* On the thread of whichever worker waits: the others' state is not touched, and nothing is saved
 * but what was. */
static void abandon_run(void *context, const char *message)
{
    char text[2 * DIAG_MESSAGE_BYTES], kept[DIAG_MESSAGE_BYTES];
    kept_text(context, kept, sizeof kept);
    (void)snprintf(text, sizeof text, "%s; %s", message, kept);
    abandon_program(NULL, text);
}

static odeon_status train_steps_left(trainer *t)
{
    for (;;) {
        ODEON_TRY(test_due(t) ? test(t) : ODEON_OK);
        ODEON_TRY(save_if_due(t));
        if (t->at.step >= t->total) {
            return ODEON_OK;
        }
        ODEON_TRY(train_next(t));
        ODEON_TRY(save_step_if_asked(t));
        if (interrupt_signal() != 0) {
            return ODEON_ERR_CANCELLED;
        }
    }
}

/* After a failure, which is what will be told whatever comes of this. Of a device that is lost
 * nothing can be read, and where a file could not be written another will not be. */
static void save_sound(trainer *t, odeon_status status)
{
    char message[DIAG_MESSAGE_BYTES];
    bool readable =
        status != ODEON_ERR_DEVICE && status != ODEON_ERR_NOMEM && status != ODEON_ERR_IO;
    (void)snprintf(message, sizeof message, "%s", diag_message());
    diag_clear();
    if (readable && !t->torn && t->at.step > 0) {
        (void)save_all(t);
    } else if (status == ODEON_ERR_NUMERIC) {
        (void)save_weights(t);
    }
    (void)save_best(t);
    diag_clear();
    diag_adopt(message);
}

static odeon_status train_until_end(trainer *t)
{
    ODEON_TRY(interrupt_catch());
    tell_kept(t);
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

static void print_best(const trainer *t, FILE *out)
{
    const checkpoint *at = &t->at;
    const char *metric;
    char best[32];
    (void)session_score(t->session, &t->tested, &metric);
    progress_number(metric != NULL ? at->best : -at->best, best);
    bool epochs = t->config->eval_unit == CONFIG_EPOCHS;
    int64_t when = epochs ? at->best_epoch : at->best_step;
    if (when > 0 && when < (epochs ? at->epoch : at->step)) {
        fprintf(out, "best test %s %s after %s %" PRId64 " (%s)\n",
                metric != NULL ? metric : "loss", best, epochs ? "epoch" : "step", when, best_name);
    }
}

static void print_block(const ode_counters *first, const ode_counters *last, double share,
                        FILE *out)
{
    fprintf(out, "%s: evaluations ", last->path);
    if (first->path != NULL) { /* another process made the first step of a run that goes on */
        fprintf(out, "at the first step %" PRId64 " forward %" PRId64 " backward, ",
                first->evals_forward, first->evals_backward);
    }
    fprintf(out, "at the last %" PRId64 " forward %" PRId64 " backward\n", last->evals_forward,
            last->evals_backward);
    if (!isnan(share)) {
        fprintf(out, "%s: ||y(t1) - y(t0)|| / ||y(t0)|| = %.4f\n", last->path, share);
    }
}

static void print_device(const device_counters *last, FILE *out)
{
    if (last->launches >= 0) {
        fprintf(out,
                "device: at the last step waits %" PRId64 ", launches %" PRId64
                ", allocations %" PRId64 "\n",
                last->waits, last->launches, last->allocs);
    }
}

static void print_summary(const trainer *t, FILE *out)
{
    device_counters device = shown_device(t, &t->last);
    print_device(&device, out);
    for (size_t i = 0; i < t->last.n_blocks; i++) {
        static const ode_counters unknown = {.path = NULL};
        double share = t->tested.blocks[i].share;
        print_block(t->first.n_blocks > 0 ? &t->first.blocks[i] : &unknown, &t->last.blocks[i],
                    isnan(share) ? t->last.blocks[i].share : share, out);
    }
    print_best(t, out);
    evaluate_print(out, t->session, &t->tested);
}

static odeon_status prepare(trainer *t, FILE *out)
{
    if (t->epoch_steps == 0) {
        return diag_fail(ODEON_ERR_DATA, "the training split has no batch of samples");
    }
    int64_t whole = t->total - t->at.extra;
    t->epochs = whole / t->epoch_steps + (whole % t->epoch_steps != 0);
    t->order = mem_zalloc((size_t)t->at.samples, sizeof *t->order);
    if (t->order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "training: no memory for %" PRId64 " indices",
                         t->at.samples);
    }
    ODEON_TRY(say_jump(t, out));
    ODEON_TRY(t->plan->changed ? save_checkpoint(t, false)
                               : ODEON_OK); /* accepted once is enough */
    t->test_again = step_of_best(t);
    ODEON_TRY(progress_create(t->plan->progress, t->epochs, t->total, &t->progress));
    progress_begin_after(t->progress, t->at.step);
    return ODEON_OK;
}

odeon_status train_run(session *s, const config *c, const train_plan *plan, FILE *out)
{
    batches b = batches_of(c, data_length(plan->train));
    double now = clock_seconds();
    trainer t = {.session = s,
                 .config = c,
                 .plan = plan,
                 .used = batches_samples(&b),
                 .epoch_steps = batches_steps(&b),
                 .has_saved = plan->from != NULL,
                 .factor = 1.0,
                 .at = beginning(s, c, plan, plan->from),
                 .weights_step = -1,
                 .saved_at = now,
                 .tested_at = now,
                 .said_at = -(double)INFINITY,
                 .failures = {.session = s, .config = c, .dir = plan->dir}};
    t.total = t.at.total;
    t.failures.in_a_row = t.at.failed;
    t.saved_step = t.at.step;
    t.saved_tested = t.at.tested;
    t.started = now - t.at.seconds;
    if (t.at.tested != 0 && t.at.step >= t.total) {
        fprintf(out, "nothing is left to do after step %" PRId64 "\nresults in %s\n", t.at.step,
                run_dir_path(plan->dir));
        return ODEON_OK;
    }
    odeon_status status = prepare(&t, out);
    if (status == ODEON_OK) {
        session_on_stuck(s, abandon_run, &t);
        status = train_until_end(&t);
        session_on_stuck(s, abandon_program, NULL);
    }
    if (status == ODEON_ERR_DEVICE || status == ODEON_ERR_NOMEM) {
        status = leave_device(&t, status);
    }
    session_copy_fini(&t.best);
    progress_destroy(t.progress);
    mem_free(t.order);
    if (status == ODEON_OK) {
        print_summary(&t, out);
        fprintf(out, "results in %s\n", run_dir_path(plan->dir));
    }
    session_result_fini(&t.first);
    session_result_fini(&t.last);
    session_result_fini(&t.tested);
    return status;
}
