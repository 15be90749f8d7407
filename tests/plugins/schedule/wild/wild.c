/* wild: factors that are none, from a step on. For tests. */
#include <math.h>

#include "odeon/plugin.h"
#include "odeon/schedule.h"

typedef struct wild {
    const odeon_host *host;
    int64_t from, kind;
} wild;

static const odeon_option from = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "from",
    .default_text = "1",
    .help = "first step with a factor that is none",
};
static const odeon_option kind = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "kind",
    .default_text = "nan",
    .choices = "nan|infinite|negative",
    .help = "what it is",
};
static const odeon_option *const options[] = {&from, &kind, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    wild *schedule = host->alloc(host, sizeof *schedule);
    *out = schedule;
    if (schedule == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "wild: no memory");
    }
    *schedule = (wild){.host = host,
                       .from = host->option_i64(config, "from"),
                       .kind = host->option_i64(config, "kind")};
    return ODEON_OK;
}

static void destroy(void *self)
{
    wild *schedule = self;
    if (schedule != NULL) {
        schedule->host->free(schedule->host, schedule);
    }
}

static double factor(void *self, const odeon_position *position)
{
    const double wrong[] = {(double)NAN, (double)INFINITY, -1.0};
    const wild *schedule = self;
    return position->step >= schedule->from ? wrong[schedule->kind] : 1.0;
}

static const odeon_schedule_ops ops = {.struct_size = sizeof ops, .factor = factor};

ODEON_PLUGIN_WITH(SCHEDULE, "wild", &ops, "a learning rate times what is no number", NULL, NULL,
                  options, create, destroy);
