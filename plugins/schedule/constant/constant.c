/* constant: the optimizer's learning rate unchanged, after an optional warm-up. */
#include "../common/warmup.h"
#include "odeon/plugin.h"

typedef struct constant {
    const odeon_host *host;
    double warmup;
} constant;

static const odeon_option *const options[] = {&warmup_option, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    constant *schedule = host->alloc(host, sizeof *schedule);
    if (schedule == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "constant: no memory for %zu bytes",
                          sizeof *schedule);
    }
    *schedule = (constant){.host = host, .warmup = host->option_f64(config, "warmup")};
    *out = schedule;
    return ODEON_OK;
}

static void destroy(void *self)
{
    constant *schedule = self;
    if (schedule != NULL) {
        schedule->host->free(schedule->host, schedule);
    }
}

static double factor(void *self, const odeon_position *position)
{
    const constant *schedule = self;
    return warmup_factor(schedule->warmup, position);
}

static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    const constant *schedule = self;
    warmup_remark(schedule->warmup, position, text, bytes);
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_SCHEDULE,
    .kind_version = ODEON_LAYOUT_SCHEDULE,
    .id = "constant",
    .aliases = "none|fixed",
    .summary = "the same learning rate throughout, after a warm-up",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("schedule/constant");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "constant",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
