/* When a run saves, and in which order. Weights, best weights and checkpoint are three files,
 * written one after the other; a kill between two of them must leave a state that a run can go on
 * from. So the checkpoint comes last: what it takes for granted is on the disk. */
#include "run/train_checkpoints.h"

#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "odeon/host.h"
#include "run/interrupt.h"
#include "run/run_checkpoint.h"
#include "run/train_best.h"
#include "run/train_length.h"
#include "run/train_phase.h"
#include "run/train_rows.h"
#include "session/average.h"
#include "session/describe.h"

/* Of a batch that takes this long, a signal may not await the end. */
static const double long_batch_seconds = 1.0, long_batch_checkpoint_seconds = 30.0;

static odeon_status save_as(const trainer *t, const char *name)
{
    char *file = run_dir_file(t->plan->dir, name);
    odeon_status status = file != NULL
                              ? session_save(t->session, file)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", name);
    mem_free(file);
    return status;
}

/* Of train.ema, beside the weights. */
static odeon_status save_average(const trainer *t)
{
    ODEON_TRY(session_swap_average(t->session));
    odeon_status status = save_as(t, "weights-ema.safetensors");
    odeon_status back = session_swap_average(t->session);
    return status != ODEON_OK ? status : back;
}

/* The weights alone are for whoever uses the network; a run that goes on reads its checkpoint.
 * Before the first step there is no mean. */
odeon_status train_save_weights(trainer *t)
{
    ODEON_TRY(save_as(t, "weights.safetensors"));
    t->weights_step = t->at.step;
    return session_averages(t->session) && t->at.step > 0 ? save_average(t) : ODEON_OK;
}

/* Other keys begin with an epoch, and tests are of other samples from there on: best is nothing of
 * before. No batch makes the rest of the epoch be cut anew, to nothing. */
static checkpoint begin_stage(checkpoint at)
{
    at.position = INT64_MAX;
    at.batch = 0;
    at.best = -(double)INFINITY;
    at.best_step = at.best_epoch = 0;
    return at;
}

/* Length, workers and data are always this process's; only the place within the run is the
 * checkpoint's. */
checkpoint train_beginning(const session *s, const config *c, const train_plan *plan,
                           const checkpoint *from)
{
    int64_t samples = data_epoch_length(plan->train);
    checkpoint stage;
    if (from != NULL && train_stage_begins(c, from->step)) {
        stage = begin_stage(*from);
        from = &stage;
    }
    checkpoint at = from != NULL ? train_cut_anew(c, samples, *from)
                                 : (checkpoint){.epoch = 1,
                                                .best = -(double)INFINITY,
                                                .samples = samples,
                                                .batch = train_batches(c, samples).batch,
                                                .drop_last = c->drop_last};
    at.total = train_steps(c, samples, from);
    at.workers = session_workers(s);
    at.train_data = plan->train_data;
    at.test_data = plan->test_data;
    at.config = c->effective;
    return at;
}

/* Also called on the thread of a worker that waits in vain, while the run's own thread is inside a
 * step (abandon_run): a step changes nothing that is read here. */
void train_saved_text(const trainer *t, char *text, size_t bytes)
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

void train_update_advice(const trainer *t)
{
    char text[DIAG_MESSAGE_BYTES];
    train_saved_text(t, text, sizeof text);
    (void)diag_fail(ODEON_ERR_CANCELLED, "%s", text); /* without control characters, as all */
    interrupt_set_advice(diag_message());
    diag_clear();
}

/* Rows first: the checkpoint's mark must not lie behind what is on the disk. */
static odeon_status write_checkpoint(trainer *t, bool weights)
{
    t->at.metrics = run_dir_sync(t->plan->dir); /* no row of the checkpoint's may be lost */
    t->at.seconds = clock_seconds() - t->started;
    t->at.failed = t->failures.in_a_row;
    ODEON_TRY(train_best_save(t)); /* before the checkpoint that takes it for granted */
    ODEON_TRY(weights ? train_save_weights(t) : ODEON_OK);
    return run_checkpoint_write(run_dir_path(t->plan->dir), t->session, &t->at);
}

static odeon_status tell_saved(const trainer *t)
{
    char *file = checkpoint_path(run_dir_path(t->plan->dir), t->at.step);
    odeon_status status = file != NULL
                              ? train_event(t, ODEON_EVENT_CHECKPOINT, ODEON_OK, file)
                              : diag_fail(ODEON_ERR_NOMEM, "a checkpoint's path: no memory");
    mem_free(file);
    return status;
}

/* saved_step and saved_tested change only after all of it was written. */
odeon_status train_save_checkpoint(trainer *t, bool weights)
{
    /* what a slow disk may take: a minute, and ten seconds for every million parameters */
    interrupt_allow(60.0 + 1e-5 * (double)session_parameter_count(t->session));
    double began = clock_seconds();
    odeon_status status = write_checkpoint(t, weights);
    t->times.seconds[TRAIN_SAVE] += clock_seconds() - began;
    interrupt_allow(INTERRUPT_SECONDS);
    ODEON_TRY(status);
    t->saved_step = t->at.step;
    t->saved_tested = t->at.tested;
    t->saved_at = weights ? clock_seconds() : t->saved_at;
    t->has_saved = true;
    train_update_advice(t);
    return tell_saved(t);
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

/* A place that is saved already is not saved twice, as after a test that ends an epoch. */
odeon_status train_save_if_due(trainer *t)
{
    bool saved = t->saved_step == t->at.step && t->saved_tested == t->at.tested;
    return !saved && save_due(t) ? train_save_checkpoint(t, true) : ODEON_OK;
}

/* Without weights.safetensors, whose cadence is that of the clock. */
odeon_status train_save_if_asked(trainer *t)
{
    int64_t every = t->config->checkpoint_every;
    return every > 0 && t->at.step % every == 0 ? train_save_checkpoint(t, false) : ODEON_OK;
}

/* weights_step tells whether the weights' file, too, is of this step: checkpoints may have been
 * written without it. */
odeon_status train_save_all(trainer *t)
{
    bool saved = t->saved_step == t->at.step && t->saved_tested == t->at.tested &&
                 t->weights_step == t->at.step;
    return saved ? ODEON_OK : train_save_checkpoint(t, true);
}

/* Without any checkpoint a run whose device is lost could only begin again from its INI, which
 * may have changed by then. */
void train_save_start(trainer *t)
{
    checkpoint at = train_beginning(t->session, t->config, t->plan, NULL);
    if (run_checkpoint_write_start(run_dir_path(t->plan->dir), t->session, &at) == ODEON_OK) {
        t->has_saved = true;
    } else {
        diag_log(ODEON_LOG_WARNING, "the weights of before the first step are not kept: %s",
                 diag_message());
    }
    diag_clear();
}
