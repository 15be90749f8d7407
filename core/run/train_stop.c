/* Both ends follow from what a checkpoint holds, the step of the best evaluation and the seconds of
 * training, so that a run that goes on ends where it would have ended. A limit that is raised
 * before it goes on lets it train further, up to the length that its configuration has. */
#include "run/train_stop.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/diag.h"

odeon_status train_stop_check(const config *c, bool validates)
{
    if (c->stop_patience.every == 0 || validates) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "run.stop_patience: there is no validation split, and the test split must not "
                     "say when to stop: set data.validation, such as data.validation = 0.1");
}

/* How long ago the best evaluation was, in the unit of run.stop_patience. */
static int64_t age_of_best(const trainer *t)
{
    const checkpoint *at = &t->at;
    bool epochs = t->config->stop_patience.unit == CONFIG_EPOCHS;
    return epochs ? at->epoch - at->best_epoch : at->step - at->best_step;
}

static bool is_out_of_patience(const trainer *t)
{
    int64_t most = t->config->stop_patience.every;
    return most > 0 && t->at.tested != 0 && t->at.best_step > 0 && age_of_best(t) >= most;
}

static bool is_out_of_time(const trainer *t)
{
    double most = t->config->max_time;
    return most > 0.0 && clock_seconds() - t->started >= most;
}

bool train_stop_due(const trainer *t)
{
    return t->at.step > 0 && (is_out_of_patience(t) || is_out_of_time(t));
}

void train_stop_if_due(trainer *t)
{
    if (t->at.step < t->total && train_stop_due(t)) {
        t->total = t->at.total = t->at.step;
        t->ends = true;
    }
}

bool train_stop_was(const trainer *t)
{
    const checkpoint *from = t->plan->from;
    return from != NULL && from->tested != 0 && from->step >= from->total && train_stop_due(t);
}

void train_stop_print(const trainer *t, FILE *out)
{
    if (!t->ends) {
        return;
    }
    const config_count *patience = &t->config->stop_patience;
    if (is_out_of_patience(t)) {
        fprintf(out,
                "stopped after step %" PRId64 ": no better validation in %" PRId64
                " %s (run.stop_patience)\n",
                t->at.step, patience->every, patience->unit == CONFIG_EPOCHS ? "epochs" : "steps");
    } else {
        fprintf(out, "stopped after step %" PRId64 ": %g seconds have passed (run.max_time)\n",
                t->at.step, t->config->max_time);
    }
}
