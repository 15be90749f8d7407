/* elsewhere: an observer whose file would not be in the run's folder. */
#include "odeon/observer.h"
#include "odeon/plugin.h"

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    (void)self;
    (void)event;
    (void)line;
    return ODEON_OK;
}

static const odeon_observer_ops ops = {
    .struct_size = sizeof ops, .file = "../metrics.csv", .see = see};

ODEON_PLUGIN(OBSERVER, "elsewhere", &ops, "writes elsewhere", NULL);
