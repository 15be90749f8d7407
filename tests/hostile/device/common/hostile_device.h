/* hostile_device.h: the plugin of a device that takes everything from the device cpu and gives the
 * family product, copied from there. A source that wants one thing about it wrong defines it before
 * including this; the id in any case. */
#ifndef ODEON_TESTS_HOSTILE_DEVICE_H
#define ODEON_TESTS_HOSTILE_DEVICE_H
#include <stdio.h>
#include <string.h>

#include "odeon/odeon.h"

#ifndef HOSTILE_BASE
#define HOSTILE_BASE "cpu"
#endif
/* A statement about product, the copy of the base's table. */
#ifndef HOSTILE_CHANGE
#define HOSTILE_CHANGE
#endif
#ifndef HOSTILE_RANK
#define HOSTILE_RANK -1
#endif
#ifndef HOSTILE_FREE
#define HOSTILE_FREE NULL
#endif

static odeon_product_family product;

static const char *base(void *self)
{
    (void)self;
    return HOSTILE_BASE;
}

static odeon_status attach(void *self, const odeon_device *of)
{
    (void)self;
    product = *of->product;
    HOSTILE_CHANGE;
    return ODEON_OK;
}

/* Not asked before the base is there. */
static odeon_status probe(void *self)
{
    (void)self;
    return product.struct_size != 0 ? ODEON_OK : ODEON_ERR_INTERNAL;
}

static odeon_status describe(void *self, char *text, uint64_t bytes)
{
    (void)self;
    (void)snprintf(text, bytes, "not to be used");
    return ODEON_OK;
}

static const void *get_table(void *self, const char *id)
{
    (void)self;
    return strcmp(id, ODEON_FAMILY(product)) == 0 ? &product : NULL;
}

static const odeon_device_ops ops = {.struct_size = sizeof ops,
                                     .rank = HOSTILE_RANK,
                                     .base = base,
                                     .attach = attach,
                                     .probe = probe,
                                     .describe = describe,
                                     .free = HOSTILE_FREE,
                                     .get_table = get_table};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DEVICE,
    .interface_version = ODEON_LAYOUT_DEVICE,
    .interface = ODEON_INTERFACE_DEVICE,
    .id = HOSTILE_ID,
    .summary = "is not to be used",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("device/" HOSTILE_ID);
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
