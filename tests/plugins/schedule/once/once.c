/* once: can be created once in a process; what was built with it cannot be built again. For tests.
 */
#include "odeon/plugin.h"
#include "odeon/schedule.h"

typedef struct once {
    ODEON_INSTANCE;
} once;

static odeon_status init(void *self)
{
    static int created;
    const once *schedule = self;
    return created++ == 0
               ? ODEON_OK
               : odeon_fail(schedule->host, ODEON_ERR_CONFIG, "once: it was created before");
}

static double factor(void *self, const odeon_position *position)
{
    (void)self;
    (void)position;
    return 1.0;
}

static const odeon_schedule_ops ops = {.struct_size = sizeof ops, .factor = factor};

ODEON_PLUGIN_OPTIONS(SCHEDULE, "once", &ops, "created once, and never again", NULL, NULL, once,
                     NULL, init, NULL);
