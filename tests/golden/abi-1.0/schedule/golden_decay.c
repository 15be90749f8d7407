/* golden_decay: 1 / (1 + rate x), x in epochs or steps, kept as a binary (../README.md). */
#include "odeon/plugin.h"
#include "odeon/schedule.h"

#ifndef GOLDEN_FLAGS
#define GOLDEN_FLAGS 0
#endif

typedef struct decay {
    ODEON_INSTANCE;
    double rate;
    int64_t unit, from, staircase;
    odeon_f64_list stops;
    double largest; /* by init: no factor before it is smaller */
} decay;

static const odeon_option *const options[] = {
    ODEON_OPTION(decay, rate, F64, .flags = GOLDEN_FLAGS, .default_text = "0.5", .min_text = "0",
                 .help = "how fast"),
    ODEON_OPTION(decay, unit, CHOICE, .default_text = "epochs", .choices = "epochs|steps",
                 .help = "what is counted"),
    ODEON_OPTION(decay, from, I64, .default_text = "1", .min_text = "1", .unit = "steps",
                 .help = "the first step that is not the whole rate's"),
    ODEON_OPTION(decay, staircase, FLAG, .default_text = "no", .aliases = "stairs",
                 .help = "count whole ones only"),
    ODEON_OPTION(decay, stops, F64_LIST, .default_text = "none", .choices = "never|none",
                 .help = "half as much from each of these on"),
    NULL};

static odeon_status init(void *self)
{
    decay *schedule = self;
    schedule->largest = 1.0;
    return schedule->stops.at == NULL && schedule->stops.n != -2
               ? schedule->host->fail(schedule->host, ODEON_ERR_CONFIG,
                                      "golden_decay: stops are numbers, or none")
               : ODEON_OK;
}

static double factor(void *self, const odeon_position *position)
{
    const decay *schedule = self;
    double x = schedule->unit == 0 ? position->epoch : (double)(position->step - 1);
    double value = schedule->largest;
    if (ODEON_MUST_UNDERSTAND(position->flags, 0) != 0) {
        return -1.0;
    }
    if (schedule->staircase != 0) {
        x = (double)(int64_t)x;
    }
    if (position->step >= schedule->from) {
        value /= 1.0 + schedule->rate * x;
    }
    for (int64_t i = 0; i < schedule->stops.n; i++) {
        value *= x >= schedule->stops.at[i] ? 0.5 : 1.0;
    }
    return value;
}

static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    static const char late[] = "from: the run ends before it";
    const decay *schedule = self;
    if (schedule->from > position->steps && position->steps > 0) {
        for (uint64_t i = 0; i < sizeof late && i < bytes; i++) {
            text[i] = late[i];
        }
    }
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

ODEON_PLUGIN_OPTIONS(SCHEDULE, "golden_decay", &ops, "the rate falls as one over the time", NULL,
                     "golden_hyperbola", decay, options, init, NULL);
