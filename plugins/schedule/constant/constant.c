/* constant: the optimizer's learning rate unchanged, after an optional warm-up. */
#include "../common/warmup.h"
#include "odeon/plugin.h"

typedef struct constant {
    ODEON_INSTANCE;
    double warmup;
} constant;

static const odeon_option *const options[] = {WARMUP_OPTION(constant), NULL};

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

ODEON_PLUGIN_OPTIONS(SCHEDULE, "constant", &ops,
                     "the same learning rate throughout, after a warm-up", NULL, "none|fixed",
                     constant, options, NULL, NULL);
