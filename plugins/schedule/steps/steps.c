/* steps: the learning rate is multiplied by a factor after each of the listed epochs; as
 * torch.optim.lr_scheduler.MultiStepLR. */
#include <stdio.h>

#include "../common/warmup.h"
#include "odeon/plugin.h"

/* at is strictly increasing. */
typedef struct steps {
    ODEON_INSTANCE;
    odeon_f64_list at;
    double factor, warmup;
} steps;

static const odeon_option *const options[] = {
    ODEON_OPTION(
        steps, at, F64_LIST, .flags = ODEON_OPTION_REQUIRED,
        .aliases = "milestones|boundaries|epochs", .min_text = "0", .unit = "epochs",
        .help = "after which the learning rate changes, in rising order; fractions are allowed"),
    ODEON_OPTION(steps, factor, F64, .aliases = "gamma|drop", .default_text = "0.1",
                 .min_text = "0", .help = "what the learning rate is multiplied with each time"),
    WARMUP_OPTION(steps), NULL};

/* Descending or equal epochs would be skipped silently, so they are refused. */
static odeon_status init(void *self)
{
    const steps *schedule = self;
    const odeon_f64_list *at = &schedule->at;
    for (int64_t i = 1; i < at->n; i++) {
        if (!(at->at[i] > at->at[i - 1])) {
            return odeon_fail(schedule->host, ODEON_ERR_CONFIG,
                              "steps: at: %g comes after %g: give the epochs in rising order",
                              at->at[i], at->at[i - 1]);
        }
    }
    return ODEON_OK;
}

/* Computed from the position alone, so a resumed run needs no state of the schedule. */
static double factor(void *self, const odeon_position *position)
{
    const steps *schedule = self;
    double value = warmup_factor(schedule->warmup, position);
    for (int64_t i = 0; i < schedule->at.n && position->epoch >= schedule->at.at[i]; i++) {
        value *= schedule->factor;
    }
    return value;
}

/* Warns of a schedule that never takes effect. */
static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    const steps *schedule = self;
    double first = schedule->at.at[0];
    if (first >= position->epochs) {
        (void)snprintf(text, bytes,
                       "at: the run of %g epochs ends before the first change, after %g",
                       position->epochs, first);
    } else {
        warmup_remark(schedule->warmup, position, text, bytes);
    }
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

ODEON_PLUGIN_OPTIONS(SCHEDULE, "steps", &ops, "a learning rate that changes after given epochs",
                     NULL, "multistep|multisteplr|steplr|step|piecewise|piecewiseconstant", steps,
                     options, init, NULL);
