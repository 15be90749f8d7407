/* curious: an observer that wants an event of a later host. */
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
    .struct_size = sizeof ops, .wants = UINT64_C(1) << 40, .see = see};

ODEON_PLUGIN(OBSERVER, "curious", &ops, "wants events that nobody has", NULL);
