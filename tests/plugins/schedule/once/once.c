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

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_SCHEDULE,
    .kind_version = ODEON_LAYOUT_SCHEDULE,
    .id = "once",
    .summary = "created once, and never again",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("schedule/once");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "once",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
