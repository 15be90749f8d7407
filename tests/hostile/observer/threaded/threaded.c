/* threaded: an observer that asks for a thread of its own, a bit that is reserved. */
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
    .struct_size = sizeof ops, .flags = ODEON_OBSERVER_THREAD, .see = see};

ODEON_PLUGIN(OBSERVER, "threaded", &ops, "wants a thread of its own", NULL);
