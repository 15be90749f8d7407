/* hostile_optimizer.h: the plugin of an optimizer that does nothing. A source says of what kind it
 * claims to be, and with which flags. */
#ifndef ODEON_TESTS_HOSTILE_OPTIMIZER_H
#define ODEON_TESTS_HOSTILE_OPTIMIZER_H
#include "odeon/odeon.h"

static int32_t moment_count(void *self)
{
    (void)self;
    return 0;
}

static const char *moment_name(void *self, int32_t moment)
{
    (void)self;
    (void)moment;
    return NULL;
}

static double learning_rate(void *self)
{
    (void)self;
    return 1.0;
}

static odeon_status update(void *self, const odeon_update *update)
{
    (void)self;
    (void)update;
    return ODEON_OK;
}

static const odeon_optimizer_ops ops = {.struct_size = sizeof ops,
                                        .flags = HOSTILE_FLAGS,
                                        .moment_count = moment_count,
                                        .moment_name = moment_name,
                                        .learning_rate = learning_rate,
                                        .update = update};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = HOSTILE_KIND,
    .interface_version =
        HOSTILE_KIND == ODEON_KIND_LOSS ? ODEON_LAYOUT_LOSS : ODEON_LAYOUT_OPTIMIZER,
    .interface = HOSTILE_KIND == ODEON_KIND_LOSS ? ODEON_INTERFACE_LOSS : ODEON_INTERFACE_OPTIMIZER,
    .id = HOSTILE_ID,
    .summary = "does nothing",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE(HOSTILE_KIND_NAME "/" HOSTILE_ID);
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = HOSTILE_ID,
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
#endif
