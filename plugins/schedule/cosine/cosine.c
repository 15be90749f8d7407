/* cosine: after the warm-up the learning rate falls from its full value to `final` times that along
 * half a period of the cosine: factor = final + (1 - final) (1 + cos(pi x)) / 2, where x goes from
 * 0 at the end of the warm-up to 1 at the end of the run; as
 * torch.optim.lr_scheduler.CosineAnnealingLR, but per step. Source: Loshchilov, Hutter, SGDR:
 * stochastic gradient descent with warm restarts, 2017, eq. 5. */
#include <math.h>

#include "../common/warmup.h"
#include "odeon/plugin.h"

/* length and warmup are in epochs; length 0: the run's length. */
typedef struct cosine {
    const odeon_host *host;
    double final, length, warmup;
} cosine;

static const double pi = 3.14159265358979323846;

static const odeon_option final_factor = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "final",
    .aliases = "etamin|minlr|lrmin|minfactor|finalfactor",
    .default_text = "0",
    .min_text = "0",
    .max_text = "1",
    .help = "what the learning rate is multiplied with at the end",
};
static const odeon_option length = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
    .name = "epochs",
    .aliases = "tmax|length",
    .min_text = "0",
    .unit = "epochs",
    .help = "when the end is reached, warm-up included; the run's end if not given",
};
static const odeon_option *const options[] = {&final_factor, &length, &warmup_option, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    cosine *schedule = host->alloc(host, sizeof *schedule);
    if (schedule == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "cosine: no memory for %zu bytes",
                          sizeof *schedule);
    }
    *schedule = (cosine){.host = host,
                         .final = host->option_f64(config, "final"),
                         .warmup = host->option_f64(config, "warmup")};
    if (host->option_given(config, "epochs") != 0) {
        schedule->length = host->option_f64(config, "epochs");
    }
    *out = schedule;
    return ODEON_OK;
}

static void destroy(void *self)
{
    cosine *schedule = self;
    if (schedule != NULL) {
        schedule->host->free(schedule->host, schedule);
    }
}

/* Computed from the position alone, so a resumed run needs no state of the schedule. */
static double factor(void *self, const odeon_position *position)
{
    const cosine *schedule = self;
    double end = schedule->length > 0.0 ? schedule->length : position->epochs;
    double x = 1.0; /* after the end the factor stays at final */
    if (position->epoch < schedule->warmup) {
        return warmup_factor(schedule->warmup, position);
    }
    if (position->epoch < end) {
        x = (position->epoch - schedule->warmup) / (end - schedule->warmup);
    }
    return schedule->final + (1.0 - schedule->final) * 0.5 * (1.0 + cos(pi * x));
}

static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    const cosine *schedule = self;
    warmup_remark(schedule->warmup, position, text, bytes);
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_SCHEDULE,
    .kind_version = ODEON_LAYOUT_SCHEDULE,
    .id = "cosine",
    .aliases = "cosineannealing|cosineannealinglr|cosinedecay|coslr",
    .summary = "a learning rate that falls as half a cosine",
    .version = "1.0",
    .license = "MIT",
    .source = "Loshchilov, Hutter, SGDR: stochastic gradient descent with warm restarts, 2017",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("schedule/cosine");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "cosine",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
