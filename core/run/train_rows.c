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
    const figure_value *told;
    size_t n_told = session_figures(t->session, &told);
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
                         .n_figures = n_told,
                         .figures = told};
}

static odeon_event make_event(const trainer *t, int32_t type)
{
    return (odeon_event){.struct_size = sizeof(odeon_event),
                         .type = type,
                         .step = t->at.step,
                         .steps = t->total,
                         .epoch = t->at.epoch,
                         .seconds = clock_seconds() - t->started};
}

static odeon_status write_row(trainer *t, int32_t split, const session_result *result,
                              double samples_per_second)
{
    metrics_row row = make_row(t, split, result, samples_per_second);
    odeon_event event = make_event(t, ODEON_EVENT_ROW);
    return run_dir_metrics(t->plan->dir, &event, &row);
}

/* Rows cost something to make, and few observers want one of every step. */
odeon_status train_tell_step(trainer *t, int64_t n, const session_result *result)
{
    if (!run_dir_wants(t->plan->dir, ODEON_EVENT_BATCH)) {
        return ODEON_OK;
    }
    double rate = t->batch_seconds > 0.0 ? (double)n / t->batch_seconds : (double)NAN;
    metrics_row row = make_row(t, ODEON_SPLIT_TRAIN, result, rate);
    odeon_event event = make_event(t, ODEON_EVENT_BATCH);
    return run_dir_tell(t->plan->dir, &event, &row);
}

static odeon_status tell_test(trainer *t, double samples_per_second)
{
    metrics_row row = make_row(t, ODEON_SPLIT_TEST, &t->tested, samples_per_second);
    odeon_event event = make_event(t, ODEON_EVENT_EVALUATION);
    return run_dir_tell(t->plan->dir, &event, &row);
}

odeon_status train_tell(const trainer *t, int32_t type, odeon_status status, const char *text)
{
    odeon_event event = make_event(t, type);
    event.status = status;
    event.text = text;
    return run_dir_tell(t->plan->dir, &event, NULL);
}

/* The speed is that of training alone, since the last row: tests and files in between do not count.
 */
odeon_status train_write_step_row(trainer *t, const session_result *result)
{
    double rate = t->row_seconds > 0.0 ? (double)t->row_samples / t->row_seconds : (double)NAN;
    t->row_seconds = 0.0;
    t->row_samples = 0;
    return write_row(t, ODEON_SPLIT_TRAIN, result, rate);
}

/* The step is that of the parameters that were tested. */
odeon_status train_write_test_row(trainer *t, double samples_per_second)
{
    ODEON_TRY(write_row(t, ODEON_SPLIT_TEST, &t->tested, samples_per_second));
    return tell_test(t, samples_per_second);
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
