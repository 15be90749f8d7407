/* wild: factors that are none, from a step on. For tests. */
#include <math.h>

#include "odeon/plugin.h"
#include "odeon/schedule.h"

typedef struct wild {
    ODEON_INSTANCE;
    int64_t from, kind;
} wild;

static const odeon_option *const options[] = {
    ODEON_OPTION(wild, from, I64, .default_text = "1",
                 .help = "first step with a factor that is none"),
    ODEON_OPTION(wild, kind, CHOICE, .default_text = "nan", .choices = "nan|infinite|negative",
                 .help = "what it is"),
    NULL};

static double factor(void *self, const odeon_position *position)
{
    const double wrong[] = {(double)NAN, (double)INFINITY, -1.0};
    const wild *schedule = self;
    return position->step >= schedule->from ? wrong[schedule->kind] : 1.0;
}

static const odeon_schedule_ops ops = {.struct_size = sizeof ops, .factor = factor};

ODEON_PLUGIN_OPTIONS(SCHEDULE, "wild", &ops, "a learning rate times what is no number", NULL, NULL,
                     wild, options, NULL, NULL);
