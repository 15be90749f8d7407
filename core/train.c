#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>

#include "abandon.h"
#include "batches.h"
#include "clock.h"
#include "diag.h"
#include "evaluate.h"
#include "failures.h"
#include "interrupt.h"
#include "mem.h"
#include "odeon/host.h"
#include "progress.h"

typedef struct trainer {
    session *session;
    const config *config;
    const train_plan *plan;
    progress *progress;
    int64_t *order;                   /* of the epoch's samples */
    int64_t used, epoch_steps;        /* samples and steps of an epoch */
    int64_t total, epochs;            /* steps of the run, epochs that it comes to */
    checkpoint at;                    /* where the run stands */
    int64_t saved_step, saved_tested; /* of the last checkpoint */
    bool has_saved;                   /* there is one */
    double started;
    double factor;   /* of the last step's learning rate */
    double row_time; /* when the last row was written, and images trained on since */
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
                              double images_per_second)
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
                       .images_per_second = images_per_second,
                       .device = result->device,
                       .n_blocks = result->n_blocks,
                       .blocks = result->blocks};
    return run_dir_metrics(t->plan->dir, &row);
}

static odeon_status write_train_row(trainer *t, const session_result *result)
{
    double now = clock_seconds();
    double rate = now > t->row_time ? (double)t->row_images / (now - t->row_time) : (double)NAN;
    t->row_time = now;
    t->row_images = 0;
    return write_row(t, "train", result, rate);
}

static odeon_status save(trainer *t, const char *name)
{
    char *file = run_dir_file(t->plan->dir, name);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", name);
    }
    odeon_status status = session_save(t->session, file);
    mem_free(file);
    return status;
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

/* The time that this takes is not training's. */
static odeon_status save_checkpoint(trainer *t)
{
    double began = clock_seconds();
    t->at.metrics = run_dir_sync(t->plan->dir); /* no row of the checkpoint's may be lost */
    t->at.seconds = began - t->started;
    t->at.failed = t->failures.in_a_row;
    ODEON_TRY(checkpoint_write(run_dir_path(t->plan->dir), t->session, &t->at));
    t->saved_step = t->at.step;
    t->saved_tested = t->at.tested;
    t->has_saved = true;
    t->row_time += clock_seconds() - began;
    return ODEON_OK;
}

static bool checkpoint_due(const trainer *t)
{
    int64_t every = t->config->checkpoint_every;
    return every > 0 && t->at.step % every == 0;
}

/* ---- one epoch ---- */

/* A step that was skipped has a row without loss. */
static odeon_status survive_step(trainer *t, session_result *failed)
{
    odeon_status status = failures_meet(&t->failures);
    if (status != ODEON_OK) {
        (void)save(t, "weights.safetensors"); /* the failure of the step is what will be told */
        return status;
    }
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

static odeon_status train_batch(trainer *t, int64_t n)
{
    const config *c = t->config;
    checkpoint *at = &t->at;
    session_result *result = &t->last, fresh;
    at->step++;
    at->tested = 0;
    ODEON_TRY(schedule_step(t));
    expect_next(t, n);
    odeon_status status = session_train(t->session, t->plan->train, n, t->order + at->position,
                                        at->epoch, at->step, t->factor, &fresh);
    at->position += n;
    if (status == ODEON_ERR_NUMERIC) {
        ODEON_TRY(survive_step(t, &fresh));
        return checkpoint_due(t) ? save_checkpoint(t) : ODEON_OK;
    }
    ODEON_TRY(status);
    ODEON_TRY(session_result_copy(&fresh, result));
    t->failures.in_a_row = 0;
    if (at->step == 1) {
        ODEON_TRY(session_result_copy(result, &t->first));
    }
    t->row_images += n;
    int32_t shown = session_headline(t->session);
    progress_train(t->progress, at->epoch, at->step, n,
                   shown >= 0 ? session_metric_names(t->session)[shown] : NULL,
                   shown >= 0 ? result->metrics[shown] : 0.0, result);
    if (at->step == 1 || at->step == t->total || at->step % c->log_every == 0) {
        ODEON_TRY(write_train_row(t, result));
    }
    return checkpoint_due(t) ? save_checkpoint(t) : ODEON_OK;
}

/* The loop over the batches left of an epoch; ends early where the run does or a signal asks. */
static odeon_status train_epoch(trainer *t)
{
    checkpoint *at = &t->at;
    ODEON_TRY(data_order(t->plan->train, t->config->seed, at->epoch, t->order));
    while (at->position < t->used && at->step < t->total) {
        int64_t left = t->used - at->position;
        ODEON_TRY(train_batch(t, left < t->config->batch ? left : t->config->batch));
        if (interrupt_signal() != 0) {
            break;
        }
    }
    return ODEON_OK;
}

static odeon_status keep_best(trainer *t)
{
    checkpoint *at = &t->at;
    const session_result *result = &t->tested;
    const char *metric;
    double score = session_score(t->session, result, &metric);
    if (score > at->best) {
        at->best = score;
        at->best_epoch = at->epoch;
        at->best_step = at->step;
        return save(t, "weights-best.safetensors");
    }
    return ODEON_OK;
}

static void say_tested(trainer *t, const session_result *result)
{
    char loss[32], value[32] = "";
    int32_t shown = session_headline(t->session);
    progress_number(result->loss, loss);
    if (shown >= 0) {
        progress_number(result->metrics[shown], value);
    }
    progress_say(t->progress, "epoch %" PRId64 "/%" PRId64 ", test: loss %s%s%s%s%s", t->at.epoch,
                 t->epochs, loss, shown >= 0 ? ", " : "",
                 shown >= 0 ? session_metric_names(t->session)[shown] : "", shown >= 0 ? " " : "",
                 value);
}

static odeon_status test_epoch(trainer *t)
{
    session_result *result = &t->tested;
    double began = clock_seconds();
    odeon_status status =
        evaluate_split(t->session, t->plan->test, t->config->test_batch, t->progress, result);
    ODEON_TRY(status == ODEON_ERR_NUMERIC ? failures_meet(&t->failures) : status);
    double seconds = clock_seconds() - began;
    ODEON_TRY(write_row(t, "test", result, (double)data_length(t->plan->test) / seconds));
    t->row_time += seconds; /* what the next row of training took is without it */
    ODEON_TRY(keep_best(t));
    progress_mark(t->progress);
    say_tested(t, result);
    t->at.tested = 1;
    return save_checkpoint(t);
}

/* ---- the whole ---- */

/* The answer to a signal, once everything is safe. */
static odeon_status stop(trainer *t)
{
    if (t->saved_step != t->at.step || t->saved_tested != t->at.tested) {
        ODEON_TRY(save_checkpoint(t));
    }
    return diag_fail(ODEON_ERR_CANCELLED,
                     "stopped by %s after step %" PRId64 " of %" PRId64
                     "; weights in %s/weights.safetensors; to go on: %s",
                     interrupt_signal() == SIGTERM ? "SIGTERM" : "SIGINT", t->at.step, t->total,
                     run_dir_path(t->plan->dir), t->plan->resume);
}

/* What the run began with becomes its checkpoint. */
static void keep_start(trainer *t)
{
    checkpoint at = beginning(t->session, t->config, t->plan, NULL);
    if (checkpoint_write_start(run_dir_path(t->plan->dir), t->session, &at) == ODEON_OK) {
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
    const trainer *t = context;
    char text[2 * DIAG_MESSAGE_BYTES], *file = NULL;
    if (t->has_saved) {
        file = checkpoint_path(run_dir_path(t->plan->dir), t->saved_step);
    }
    if (file != NULL) {
        (void)snprintf(text, sizeof text,
                       "%s; kept: the state after step %" PRId64 " of %" PRId64
                       ", %s; to go on: %s",
                       message, t->saved_step, t->total, file, t->plan->resume);
    } else {
        (void)snprintf(text, sizeof text, "%s; to begin again: %s", message, t->plan->resume);
    }
    abandon_program(NULL, text);
}

static void next_epoch(checkpoint *at)
{
    at->epoch++;
    at->position = 0;
}

static odeon_status train_epochs(trainer *t)
{
    do { /* once even without a step, so that there are weights and a test */
        if (t->at.position >= t->used && t->at.tested != 0) {
            next_epoch(&t->at);
        }
        ODEON_TRY(train_epoch(t));
        ODEON_TRY(save(t, "weights.safetensors"));
        odeon_status status = interrupt_signal() != 0 ? ODEON_ERR_CANCELLED : test_epoch(t);
        if (status == ODEON_ERR_CANCELLED) {
            diag_clear(); /* what the evaluation said of the signal; the run says it better */
            return stop(t);
        }
        ODEON_TRY(status);
    } while (t->at.step < t->total);
    return ODEON_OK;
}

static void print_best(const trainer *t, FILE *out)
{
    const checkpoint *at = &t->at;
    const char *metric;
    char best[32];
    (void)session_score(t->session, &t->tested, &metric);
    progress_number(metric != NULL ? at->best : -at->best, best);
    if (at->best_epoch > 0 && at->best_epoch < at->epoch) {
        fprintf(out, "best test %s %s after epoch %" PRId64 " (weights-best.safetensors)\n",
                metric != NULL ? metric : "loss", best, at->best_epoch);
    }
}

static void print_block(const metrics_block *first, const metrics_block *last, double share,
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

static void print_device(const metrics_device *last, FILE *out)
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
    print_device(&t->last.device, out);
    for (size_t i = 0; i < t->last.n_blocks; i++) {
        static const metrics_block unknown = {.path = NULL};
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
    ODEON_TRY(t->plan->changed ? save_checkpoint(t) : ODEON_OK); /* accepted once is enough */
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
                 .failures = {.session = s, .config = c, .dir = plan->dir},
                 .row_time = now};
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
        interrupt_catch();
        session_on_stuck(s, abandon_run, &t);
        status = train_epochs(&t);
        session_on_stuck(s, abandon_program, NULL);
        interrupt_release();
    }
    if (status == ODEON_ERR_DEVICE || status == ODEON_ERR_NOMEM) {
        status = leave_device(&t, status);
    }
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
