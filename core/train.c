#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>

#include "clock.h"
#include "diag.h"
#include "evaluate.h"
#include "interrupt.h"
#include "mem.h"
#include "progress.h"

typedef struct trainer {
    session *session;
    const config *config;
    const data_source *train, *test;
    run_dir *dir;
    progress *progress;
    int64_t *order;        /* of the epoch's samples */
    int64_t length, total; /* samples of an epoch; steps of the run */
    int64_t epoch, step;   /* under way; 0 before the first */
    double started;
    double row_time; /* when the last row was written, and images trained on since */
    int64_t row_images;
    double best; /* greater is better */
    int64_t best_epoch;
    session_result first, last, tested;
} trainer;

static int64_t steps_of_run(const config *c, int64_t length)
{
    int64_t an_epoch = length / c->batch + (length % c->batch != 0);
    int64_t total = 0;
    if (!checked_mul(an_epoch, c->epochs, &total)) {
        total = INT64_MAX;
    }
    return c->max_steps > 0 && c->max_steps < total ? c->max_steps : total;
}

static odeon_status write_row(trainer *t, const char *split, const session_result *result,
                              double images_per_second)
{
    bool training = split[1] == 'r';
    metrics_row row = {.step = t->step,
                       .epoch = t->epoch,
                       .seconds = clock_seconds() - t->started,
                       .split = split,
                       .loss = result->loss,
                       .n_metrics = session_metric_count(t->session),
                       .metric_names = session_metric_names(t->session),
                       .metrics = result->metrics,
                       .lr = training ? session_learning_rate(t->session) : (double)NAN,
                       .grad_norm = training ? result->grad_norm : (double)NAN,
                       .images_per_second = images_per_second,
                       .n_blocks = result->n_blocks,
                       .blocks = result->blocks};
    return run_dir_metrics(t->dir, &row);
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
    char *file = run_dir_file(t->dir, name);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", name);
    }
    odeon_status status = session_save(t->session, file);
    mem_free(file);
    return status;
}

static odeon_status train_batch(trainer *t, int64_t start, int64_t n)
{
    const config *c = t->config;
    session_result *result = &t->last;
    t->step++;
    ODEON_TRY(
        session_train(t->session, t->train, n, t->order + start, t->epoch, t->step, 1.0, result));
    if (t->step == 1) {
        t->first = *result;
    }
    t->row_images += n;
    const char *const *names = session_metric_names(t->session);
    progress_train(t->progress, t->epoch, t->step, n,
                   session_metric_count(t->session) > 0 ? names[0] : NULL, result);
    if (t->step == 1 || t->step == t->total || t->step % c->log_every == 0) {
        ODEON_TRY(write_train_row(t, result));
    }
    return ODEON_OK;
}

/* The loop over the batches of one epoch; ends early where the run does or a signal asks. */
static odeon_status train_epoch(trainer *t)
{
    ODEON_TRY(data_order(t->train, t->config->seed, t->epoch, t->order));
    for (int64_t start = 0; start < t->length && t->step < t->total;) {
        int64_t left = t->length - start;
        int64_t n = left < t->config->batch ? left : t->config->batch;
        ODEON_TRY(train_batch(t, start, n));
        start += n;
        if (interrupt_signal() != 0) {
            break;
        }
    }
    return ODEON_OK;
}

static odeon_status test_epoch(trainer *t)
{
    session_result *result = &t->tested;
    double began = clock_seconds();
    ODEON_TRY(evaluate_split(t->session, t->test, t->config->test_batch, t->progress, result));
    double seconds = clock_seconds() - began;
    ODEON_TRY(write_row(t, "test", result, (double)data_length(t->test) / seconds));
    t->row_time += seconds; /* what the next row of training took is without it */
    size_t n_metrics = session_metric_count(t->session);
    double score = n_metrics > 0 ? result->metrics[0] : -result->loss;
    if (score > t->best) {
        t->best = score;
        t->best_epoch = t->epoch;
        ODEON_TRY(save(t, "weights-best.safetensors"));
    }
    if (t->step > 0) {
        progress_mark(t->progress);
    }
    if (n_metrics > 0) {
        progress_say(t->progress, "epoch %" PRId64 "/%" PRId64 ", test: loss %.4f, %s %.4f",
                     t->epoch, t->config->epochs, result->loss, session_metric_names(t->session)[0],
                     result->metrics[0]);
    } else {
        progress_say(t->progress, "epoch %" PRId64 "/%" PRId64 ", test: loss %.4f", t->epoch,
                     t->config->epochs, result->loss);
    }
    return ODEON_OK;
}

/* The answer to a signal, once the weights are safe. */
static odeon_status stop(const trainer *t)
{
    return diag_fail(ODEON_ERR_CANCELLED,
                     "stopped by %s after step %" PRId64 " of %" PRId64
                     "; weights in %s/weights.safetensors",
                     interrupt_signal() == SIGTERM ? "SIGTERM" : "SIGINT", t->step, t->total,
                     run_dir_path(t->dir));
}

static odeon_status train_epochs(trainer *t)
{
    do { /* once even without a step, so that there are weights and a test */
        t->epoch++;
        ODEON_TRY(train_epoch(t));
        ODEON_TRY(save(t, "weights.safetensors"));
        odeon_status status = interrupt_signal() != 0 ? ODEON_ERR_CANCELLED : test_epoch(t);
        if (status == ODEON_ERR_CANCELLED) {
            diag_clear(); /* what the evaluation said of the signal; the run says it better */
            return stop(t);
        }
        ODEON_TRY(status);
    } while (t->step < t->total);
    return ODEON_OK;
}

static void print_best(const trainer *t, FILE *out)
{
    bool metric = session_metric_count(t->session) > 0;
    if (t->best_epoch > 0 && t->best_epoch < t->epoch) {
        fprintf(out, "best test %s %.4f after epoch %" PRId64 " (weights-best.safetensors)\n",
                metric ? session_metric_names(t->session)[0] : "loss", metric ? t->best : -t->best,
                t->best_epoch);
    }
}

static void print_blocks(const trainer *t, FILE *out)
{
    for (size_t i = 0; i < t->last.n_blocks; i++) {
        const metrics_block *first = &t->first.blocks[i], *last = &t->last.blocks[i];
        double share = isnan(t->tested.blocks[i].share) ? last->share : t->tested.blocks[i].share;
        fprintf(out,
                "%s: evaluations at the first step %" PRId64 " forward %" PRId64
                " backward, at the last %" PRId64 " forward %" PRId64 " backward\n",
                last->path, first->evals_forward, first->evals_backward, last->evals_forward,
                last->evals_backward);
        if (!isnan(share)) {
            fprintf(out, "%s: ||y(t1) - y(t0)|| / ||y(t0)|| = %.4f\n", last->path, share);
        }
    }
}

static odeon_status prepare(trainer *t, FILE *out)
{
    if (t->length == 0) {
        return diag_fail(ODEON_ERR_DATA, "the training split has no samples");
    }
    t->order = mem_zalloc((size_t)t->length, sizeof *t->order);
    if (t->order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "training: no memory for %" PRId64 " indices", t->length);
    }
    return progress_create(out, t->config->epochs, t->total, &t->progress);
}

odeon_status train_run(session *s, const config *c, const data_source *train,
                       const data_source *test, run_dir *dir, FILE *out)
{
    double now = clock_seconds();
    int64_t length = data_length(train);
    trainer t = {.session = s,
                 .config = c,
                 .train = train,
                 .test = test,
                 .dir = dir,
                 .length = length,
                 .total = steps_of_run(c, length),
                 .started = now,
                 .row_time = now,
                 .best = -(double)INFINITY};
    odeon_status status = prepare(&t, out);
    if (status == ODEON_OK) {
        interrupt_catch();
        status = train_epochs(&t);
        interrupt_release();
    }
    progress_destroy(t.progress);
    mem_free(t.order);
    ODEON_TRY(status);
    print_blocks(&t, out);
    print_best(&t, out);
    evaluate_print(out, s, &t.tested);
    fprintf(out, "results in %s\n", run_dir_path(dir));
    return ODEON_OK;
}
