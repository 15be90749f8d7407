/* steps: the learning rate is multiplied by a factor after each of the listed epochs; as
 * torch.optim.lr_scheduler.MultiStepLR. */
#include <stdio.h>

#include "../common/warmup.h"
#include "odeon/plugin.h"

/* at [n], borrowed from the configuration, is strictly increasing. */
typedef struct steps {
    const odeon_host *host;
    const double *at;
    int32_t n, reserved0;
    double factor, warmup;
} steps;

static const odeon_option at = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64_LIST,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "at",
    .aliases = "milestones|boundaries|epochs",
    .min_text = "0",
    .unit = "epochs",
    .help = "after which the learning rate changes, in rising order; fractions are allowed",
};
static const odeon_option by = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "factor",
    .aliases = "gamma|drop",
    .default_text = "0.1",
    .min_text = "0",
    .help = "what the learning rate is multiplied with each time",
};
static const odeon_option *const options[] = {&at, &by, &warmup_option, NULL};

/* Descending or equal epochs would be skipped silently, so they are refused. */
static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    steps *schedule = host->alloc(host, sizeof *schedule);
    if (schedule == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "steps: no memory for %zu bytes",
                          sizeof *schedule);
    }
    *schedule = (steps){.host = host,
                        .factor = host->option_f64(config, "factor"),
                        .warmup = host->option_f64(config, "warmup")};
    schedule->at = host->option_list_f64(config, "at", &schedule->n);
    for (int32_t i = 1; i < schedule->n; i++) {
        if (!(schedule->at[i] > schedule->at[i - 1])) {
            double before = schedule->at[i - 1], here = schedule->at[i];
            host->free(host, schedule);
            return odeon_fail(host, ODEON_ERR_CONFIG,
                              "steps: at: %g comes after %g: give the epochs in rising order", here,
                              before);
        }
    }
    *out = schedule;
    return ODEON_OK;
}

static void destroy(void *self)
{
    steps *schedule = self;
    if (schedule != NULL) {
        schedule->host->free(schedule->host, schedule);
    }
}

/* Computed from the position alone, so a resumed run needs no state of the schedule. */
static double factor(void *self, const odeon_position *position)
{
    const steps *schedule = self;
    double value = warmup_factor(schedule->warmup, position);
    for (int32_t i = 0; i < schedule->n && position->epoch >= schedule->at[i]; i++) {
        value *= schedule->factor;
    }
    return value;
}

/* Warns of a schedule that never takes effect. */
static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    const steps *schedule = self;
    double first = schedule->at[0];
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

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_SCHEDULE,
    .kind_version = ODEON_LAYOUT_SCHEDULE,
    .id = "steps",
    .aliases = "multistep|multisteplr|steplr|step|piecewise|piecewiseconstant",
    .summary = "a learning rate that changes after given epochs",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("schedule/steps");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "steps",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
