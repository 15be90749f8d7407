/* A row of the metrics from a result of the session: which figures a step has and a test has not,
 * and which of them people are shown. */
#include "run/train_rows.h"

#include <math.h>

#include "base/clock.h"
#include "odeon/dataset.h"
#include "session/describe.h"

/* A test has no learning rate and no gradient. */
static metrics_row make_row(const trainer *t, int32_t split, const session_result *result,
                            double samples_per_second)
{
    bool training = split == ODEON_SPLIT_TRAIN;
    const figure_value *reported;
    size_t n_reported = session_figures(t->session, &reported);
    return (metrics_row){.step = t->at.step,
                         .epoch = t->at.epoch,
                         .seconds = clock_seconds() - t->started,
                         .split = split,
                         .loss = result->loss,
                         .n_metrics = session_metric_count(t->session),
                         .metric_names = session_metric_names(t->session),
                         .metrics = result->metrics,
                         .lr =
                             training ? t->factor * session_learning_rate(t->session) : (double)NAN,
                         .grad_norm = training ? result->grad_norm : (double)NAN,
                         .samples_per_second = samples_per_second,
                         .device = result->device,
                         .n_blocks = result->n_blocks,
                         .blocks = result->blocks,
                         .audited = t->config->audit_every > 0,
                         .gradient_error = training ? t->gradient_error : (double)NAN,
                         .n_curves = session_curves(t->session) != NULL ? t->config->n_curves : 0,
                         .curves = session_curves(t->session),
                         .n_figures = n_reported,
                         .figures = reported};
}

static odeon_event make_event(const trainer *t, int32_t type, double seconds)
{
    return (odeon_event){.struct_size = sizeof(odeon_event),
                         .type = type,
                         .step = t->at.step,
                         .steps = t->total,
                         .epoch = t->at.epoch,
                         .seconds = seconds,
                         .services = t->services.table.self != NULL ? &t->services.table : NULL};
}

/* Rows cost something to make, and few observers want one of every step. */
static odeon_status row_event(trainer *t, int32_t type, int32_t split, const session_result *result,
                              double samples_per_second)
{
    if (!run_dir_wants(t->plan->dir, type)) {
        return ODEON_OK;
    }
    metrics_row row = make_row(t, split, result, samples_per_second);
    odeon_event event = make_event(t, type, row.seconds);
    return run_dir_event(t->plan->dir, &event, &row);
}

odeon_status train_step_event(trainer *t, int64_t n, const session_result *result)
{
    double rate = t->batch_seconds > 0.0 ? (double)n / t->batch_seconds : (double)NAN;
    run_dir_write_rows_if_due(t->plan->dir, clock_seconds() - t->started);
    return row_event(t, ODEON_EVENT_BATCH, ODEON_SPLIT_TRAIN, result, rate);
}

odeon_status train_event(const trainer *t, int32_t type, odeon_status status, const char *text)
{
    odeon_event event = make_event(t, type, clock_seconds() - t->started);
    event.status = status;
    event.text = text;
    return run_dir_event(t->plan->dir, &event, NULL);
}

/* The speed is that of training alone, since the last row: tests and files in between do not count.
 */
odeon_status train_write_step_row(trainer *t, const session_result *result)
{
    double rate = t->row_seconds > 0.0 ? (double)t->row_samples / t->row_seconds : (double)NAN;
    t->row_seconds = 0.0;
    t->row_samples = 0;
    odeon_status status = row_event(t, ODEON_EVENT_ROW, ODEON_SPLIT_TRAIN, result, rate);
    t->gradient_error = (double)NAN; /* of the rows that follow, until the next audit */
    return status;
}

/* The step is that of the parameters that were tested. */
odeon_status train_write_test_row(trainer *t, int32_t split, double samples_per_second)
{
    const session_result *result = split == ODEON_SPLIT_TEST ? &t->tested : &t->validated;
    ODEON_TRY(row_event(t, ODEON_EVENT_ROW, split, result, samples_per_second));
    return row_event(t, ODEON_EVENT_EVALUATION, split, result, samples_per_second);
}

const session_result *train_judged(const trainer *t)
{
    return t->plan->validation != NULL ? &t->validated : &t->tested;
}

/* A metric that only says the same as the loss once more, as the mean of absolute differences
 * beside l1, is not shown. */
const char *train_shown_metric(const trainer *t, const session_result *result, double *value)
{
    enum { SAME = 100000 }; /* two sums of float32 terms differ by less than one part of it */
    int32_t shown = session_headline(t->session);
    *value = shown >= 0 ? result->metrics[shown] : 0.0;
    if (shown < 0 || fabs(*value - result->loss) * SAME <= fabs(result->loss)) {
        return NULL;
    }
    return session_metric_names(t->session)[shown];
}

/* Below 0 stands for what is not shown. */
device_counters train_shown_device(const trainer *t, const session_result *result)
{
    return session_device_is_apart(t->session) ? result->device : (device_counters){-1, -1, -1};
}
