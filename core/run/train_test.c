/* Tests of a run: by epochs, steps or the clock, and always at its end. A test changes nothing of
 * the training but the clock: a run that is tested more often has the same weights. */
#include "run/train_test.h"

#include "base/clock.h"
#include "base/diag.h"
#include "run/evaluate.h"
#include "run/train_best.h"
#include "run/train_rows.h"
#include "run/train_stop.h"
#include "session/average.h"

/* Lines about tests come no faster than this. */
static const double line_seconds = 1.0;

/* The last one always, the others no faster than anybody reads. A line of the test split follows
 * that of the validation split. */
static void report_test(trainer *t, const session_result *result)
{
    bool validates = result == &t->validated;
    progress_test_result line = {.what = validates ? "validation" : "test",
                                 .epoch = t->at.epoch,
                                 .step = t->at.step,
                                 .loss = result->loss};
    double now = clock_seconds();
    line.metric_name = train_shown_metric(t, result, &line.metric);
    bool follows = !validates && t->plan->validation != NULL;
    if (follows || t->at.step >= t->total || now - t->reported_at >= line_seconds) {
        progress_tested(t->progress, &line);
        t->reported_at = now;
    }
}

/* The test split has a say in nothing where a validation split has: once, at the end, is enough. */
static bool tests_now(const trainer *t)
{
    return t->plan->validation == NULL || t->config->eval_test ||
           (t->at.step >= t->total && t->test_step != t->at.step);
}

/* The end of the run always; never twice for one step, but where a run turns out to have ended
 * with the evaluation that it has just made. */
bool train_test_due(const trainer *t)
{
    const config *c = t->config;
    const checkpoint *at = &t->at;
    if (at->step == 0 || at->tested != 0) {
        return t->ends && t->plan->validation != NULL && t->test_step != at->step;
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

/* What failed numerically ends the run here: there is no batch that could be skipped. */
static odeon_status evaluate(trainer *t, int32_t split, const data_source *source,
                             session_result *out)
{
    double began = clock_seconds();
    odeon_status status =
        evaluate_split(t->session, source, t->config->test_batch, t->progress, out);
    ODEON_TRY(status == ODEON_ERR_NUMERIC ? failures_handle(&t->failures) : status);
    t->tested_at = clock_seconds();
    t->times.seconds[TRAIN_TEST] += t->tested_at - began;
    double rate = (double)data_length(source) / (t->tested_at - began);
    ODEON_TRY(train_write_test_row(t, split, rate));
    return ODEON_OK;
}

/* The best weights are chosen, and whether the run ends is decided, before the test split is looked
 * at, unless there is no other. */
static odeon_status test_splits(trainer *t)
{
    const data_source *validation = t->plan->validation;
    if (validation != NULL && t->at.tested == 0) {
        ODEON_TRY(evaluate(t, ODEON_SPLIT_VALIDATION, validation, &t->validated));
        t->validation_step = t->at.step;
        ODEON_TRY(train_best_take(t));
        t->at.tested = 1;
        train_stop_if_due(t);
        report_test(t, &t->validated);
    }
    if (tests_now(t)) {
        ODEON_TRY(evaluate(t, ODEON_SPLIT_TEST, t->plan->test, &t->tested));
        t->test_step = t->at.step;
        ODEON_TRY(validation == NULL ? train_best_take(t) : ODEON_OK);
        t->at.tested = 1;
        report_test(t, &t->tested);
    }
    return ODEON_OK;
}

/* With the mean of the weights where there is one: the best weights are taken of it, too. */
odeon_status train_test(trainer *t)
{
    run_dir_write_rows(t->plan->dir); /* a test may take its time */
    if (!session_averages(t->session)) {
        return test_splits(t);
    }
    ODEON_TRY(session_swap_average(t->session));
    odeon_status status = test_splits(t);
    diag_reason reason = diag_take();
    odeon_status back = session_swap_average(t->session);
    if (status != ODEON_OK) {
        diag_clear();
        diag_adopt(reason.text);
    }
    return status != ODEON_OK ? status : back;
}
