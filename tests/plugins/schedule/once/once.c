/* once: can be created once in a process; what was built with it cannot be built again. For tests.
 */
#include "odeon/plugin.h"
#include "odeon/schedule.h"

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    static int created;
    (void)config;
    *out = &created;
    return created++ == 0 ? ODEON_OK
                          : odeon_fail(host, ODEON_ERR_CONFIG, "once: it was created before");
}

static void destroy(void *self)
{
    (void)self;
}

static double factor(void *self, const odeon_position *position)
{
    (void)self;
    (void)position;
    return 1.0;
}

static const odeon_schedule_ops ops = {.struct_size = sizeof ops, .factor = factor};

ODEON_PLUGIN_WITH(SCHEDULE, "once", &ops, "created once, and never again", NULL, NULL, NULL, create,
                  destroy);
