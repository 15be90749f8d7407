/* Tests of a run: by epochs, steps or the clock, and always at its end. A test changes nothing of
 * the training but the clock: a run that is tested more often has the same weights. */
#include "run/train_test.h"

#include "base/clock.h"
#include "run/evaluate.h"
#include "run/train_best.h"
#include "run/train_rows.h"

/* Lines about tests come no faster than this. */
static const double line_seconds = 1.0;

/* The last one always, the others no faster than anybody reads. */
static void report_test(trainer *t)
{
    double value, now = clock_seconds();
    const char *name = train_shown_metric(t, &t->tested, &value);
    if (t->at.step >= t->total || now - t->reported_at >= line_seconds) {
        progress_tested(t->progress, t->at.epoch, t->at.step, t->tested.loss, name, value);
        t->reported_at = now;
    }
}

/* The end of the run always; never twice for one step. */
bool train_test_due(const trainer *t)
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

/* What failed numerically ends the run here: there is no batch that could be skipped. */
odeon_status train_test(trainer *t)
{
    double began = clock_seconds();
    odeon_status status =
        evaluate_split(t->session, t->plan->test, t->config->test_batch, t->progress, &t->tested);
    ODEON_TRY(status == ODEON_ERR_NUMERIC ? failures_handle(&t->failures) : status);
    t->tested_at = clock_seconds();
    t->times.seconds[TRAIN_TEST] += t->tested_at - began;
    double rate = (double)data_length(t->plan->test) / (t->tested_at - began);
    ODEON_TRY(train_write_test_row(t, rate));
    ODEON_TRY(train_best_take(t));
    t->at.tested = 1;
    report_test(t);
    return ODEON_OK;
}
