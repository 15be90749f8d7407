/* From a caller's request to all workers and back. The request is one struct on this stack, which
 * the workers read and of which rank 0 writes the answers; it is theirs until session_run_job
 * returns. Nothing of it is kept but what the session copies of a failed batch. */
#include "session/run_batch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "plugin/calling.h"
#include "session/batch.h"
#include "session/curves.h"
#include "session/describe.h"
#include "session/failure.h"
#include "session/jobs.h"
#include "session/minimize.h"
#include "session/optimizer.h"
#include "session/placement.h"

typedef struct batch_job {
    session *session;
    batch *batch;
} batch_job;

/* On each worker's own thread. The message is copied, for messages belong to threads and the caller
 * is on another. */
static void run_worker(void *context, int32_t rank)
{
    batch_job *job = context;
    worker *w = &job->session->workers[rank];
    diag_clear();
    /* Between the slots of others the device is asked for one thing after another. */
    calling outer = calling_begin(w->model->opened.instance, "an operator that the host calls");
    w->status = batch_run(w, job->batch);
    calling_leave(outer);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

/* What the workers have to know beside the caller's request. An expected batch that lies on the
 * device need not be read ahead; either way the expectation is used up. */
static odeon_status prepare(session *s, batch *b)
{
    b->loss = b->grad_norm = (double)NAN;
    b->samples = session_placed(s, b->source);
    b->next = s->expected;
    if (session_placed(s, b->next.source) != NULL) {
        b->next.source = NULL;
    }
    s->expected = (expected_batch){.source = NULL};
    session_batch_fini(&s->failed_batch);
    return s->unprepared ? session_prepare(s) : ODEON_OK;
}

/* Fills out even after a failure: what was counted on the way to it is worth a row of the
 * metrics. */
static odeon_status run(session *s, batch *b, session_result *out)
{
    batch_job job = {.session = s, .batch = b};
    device_counters before = device_counts(s->model.device);
    ODEON_TRY(prepare(s, b));
    odeon_status status = session_run_job(s, run_worker, &job);
    if (status == ODEON_ERR_NUMERIC && !b->trial) {
        session_explain_failure(s, b);
    }
    if (out != NULL) {
        *out = (session_result){.loss = b->loss,
                                .counted = b->counted,
                                .loss_counted = b->loss_counted,
                                .grad_norm = b->grad_norm,
                                .seconds = b->seconds,
                                .device = device_counts_since(s->model.device, &before)};
        memcpy(out->metrics, b->metrics, sizeof out->metrics);
        out->n_blocks = session_blocks(s, &out->blocks);
    }
    return status;
}

/* Means over the parts of a step; all else is of the last part. */
static void add_part(session_result *out, const session_result *part)
{
    session_result all = *part;
    session_result_add_means(out, part, ODEON_MAX_METRICS);
    all.loss = out->loss;
    memcpy(all.metrics, out->metrics, sizeof all.metrics);
    all.counted = out->counted;
    all.loss_counted = out->loss_counted;
    all.seconds.data += out->seconds.data;
    all.seconds.forward += out->seconds.forward;
    all.seconds.backward += out->seconds.backward;
    all.seconds.update += out->seconds.update;
    *out = all;
}

/* Part k of a step of so many, each of at most `most` samples. What is expected after the step is
 * read ahead during its last part. */
static odeon_status train_part(session *s, const batch *whole, int64_t k, int64_t most,
                               const expected_batch *expected, session_result *out)
{
    batch b = *whole;
    b.part = k;
    b.parts = (whole->n + most - 1) / most;
    b.offset = k * most;
    int64_t left = whole->n - b.offset;
    b.n = left < most ? left : most;
    b.indices = whole->indices + b.offset;
    b.share = (double)b.n / (double)whole->n;
    left -= b.n;
    expected_batch next = {
        .source = whole->source, .n = left < most ? left : most, .indices = b.indices + b.n};
    s->expected = left > 0 ? next : *expected;
    return run(s, &b, out);
}

static odeon_status train_parts(session *s, const batch *whole, session_result *out)
{
    expected_batch expected = s->expected;
    int64_t most = s->model.config->batch;
    *out = (session_result){.loss = 0.0};
    for (size_t i = 0; i < ODEON_MAX_METRICS; i++) {
        out->metrics[i] = (double)NAN; /* of which nothing counts */
    }
    for (int64_t k = 0; k * most < whole->n; k++) {
        session_result part = {.loss = 0.0};
        odeon_status status = train_part(s, whole, k, most, &expected, &part);
        if (status != ODEON_OK) {
            *out = part;
            return status;
        }
        add_part(out, &part);
    }
    return ODEON_OK;
}

static odeon_status run_step(session *s, const batch *whole, session_result *out)
{
    const config *c = s->model.config;
    batch b = *whole;
    bool parts = c->accumulate > 1 && b.n > c->batch && out != NULL;
    return parts ? train_parts(s, &b, out) : run(s, &b, out);
}

odeon_status session_train(session *s, const data_source *source, int64_t n, const int64_t *indices,
                           int64_t epoch, int64_t step, double lr_factor, session_result *out)
{
    batch b = {.mode = BATCH_TRAIN,
               .n = n,
               .source = source,
               .indices = indices,
               .epoch = epoch,
               .step = step,
               .lr_factor = lr_factor};
    if (optimizer_searches(&s->workers[0])) {
        session_result at = {.loss = (double)NAN};
        b.mode = BATCH_SEARCH;
        out = out != NULL ? out : &at;
        ODEON_TRY(run_step(s, &b, out));
        return session_minimize(s, &b, run_step, out);
    }
    return run_step(s, &b, out);
}

/* Without an epoch and a step: what is drawn in evaluation mode is the same for every batch. */
odeon_status session_evaluate(session *s, const data_source *source, int64_t n,
                              const int64_t *indices, session_result *out)
{
    batch b = {.mode = BATCH_EVALUATE, .n = n, .source = source, .indices = indices};
    return run(s, &b, out);
}

/* Labels are given back of a data set's samples alone; who gives samples of his own has theirs. */
odeon_status session_predict_counted(session *s, const session_samples *samples, double *output,
                                     double *labels, session_result *result)
{
    batch b = {.mode = BATCH_PREDICT,
               .n = samples->n,
               .source = samples->source,
               .indices = samples->indices,
               .stored = samples->stored,
               .values = samples->values,
               .output = output,
               .labels_out = samples->source != NULL ? labels : NULL};
    memcpy(b.given, samples->given, sizeof b.given);
    return run(s, &b, result);
}

odeon_status session_predict(session *s, const session_samples *samples, double *output,
                             double *labels)
{
    return session_predict_counted(s, samples, output, labels, NULL);
}

/* The fields are given as the network takes them, which is how a failed batch has them. */
odeon_status session_repeat(session *s, const session_batch *again, session_result *out)
{
    batch b = {.mode = again->training ? BATCH_REPEAT : BATCH_EVALUATE,
               .n = again->n,
               .indices = again->indices,
               .offset = again->offset,
               .epoch = again->epoch,
               .step = again->step};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        b.given[role] = again->field[role];
    }
    bool scheduled = again->n_factors > 0 && again->n_factors == s->model.config->n_curves;
    ODEON_TRY(scheduled ? session_curves_set_factors(s, again->factors) : ODEON_OK);
    odeon_status status = run(s, &b, out);
    session_curves_rest(s);
    return status;
}

/* How far the state has moved over each block, which costs the blocks a few launches. */
static void measure_share(session *s, bool on)
{
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const net_site *site = &s->workers[rank].site;
        for (size_t i = 0; i < site->n_odes; i++) {
            site->odes[i]->measure_share = on;
        }
    }
}

odeon_status session_differentiate(session *s, int64_t n, const double *const *given,
                                   double *output, double *d_x, session_result *result)
{
    batch b = {.mode = BATCH_DIFFERENTIATE, .n = n, .output = output, .d_x = d_x};
    memcpy(b.given, given, sizeof b.given);
    measure_share(s, true);
    odeon_status status = run(s, &b, result);
    measure_share(s, false);
    return status;
}

odeon_status session_differentiate_samples(session *s, const data_source *source, int64_t n,
                                           const int64_t *indices, session_result *result)
{
    batch b = {.mode = BATCH_DIFFERENTIATE,
               .n = n,
               .source = source,
               .indices = indices,
               .epoch = 1,
               .step = 1};
    return run(s, &b, result);
}

/* Of all samples of the batch: slices follow each other in the order of the ranks. */
static odeon_status write_own_steps(const session *s, size_t block, const char *path)
{
    size_t n = 0, all = 0;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        all += (size_t)s->workers[rank].site.odes[block]->samples->n;
    }
    attempt_list *lists = mem_zalloc(all + 1, sizeof *lists);
    if (lists == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the steps of %zu samples", path, all);
    }
    odeon_status status = ODEON_OK;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        odeon_ode *ode = s->workers[rank].site.odes[block];
        for (int64_t i = 0; i < ode->samples->n && status == ODEON_OK; i++) {
            status = ode_sample_attempts(ode, i, &lists[n++]);
        }
    }
    status = status == ODEON_OK ? steps_write_lists(path, n, lists) : status;
    mem_free(lists);
    return status;
}

/* Every worker makes the same steps, since the error is judged over the whole batch: the first
 * one's are those of all, unless samples have their own. */
odeon_status session_write_steps(session *s, size_t block, const char *path)
{
    const net_site *site = &s->workers[0].site;
    if (block >= site->n_odes) {
        return diag_fail(ODEON_ERR_CONFIG, "there is no ODE block whose steps could be written");
    }
    if (site->odes[block]->samples != NULL) {
        return write_own_steps(s, block, path);
    }
    const solver *forward = site->odes[block]->forward;
    size_t n;
    const solve_attempt *attempts = solver_attempts(forward, &n);
    return steps_write(path, n, attempts);
}
