#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "../common/tables.h"
#include "odeon/plugin.h"

/* ---- the device ---- */

/* A device has no state but the host. */
typedef struct reference_device {
    ODEON_INSTANCE;
} reference_device;

static odeon_status probe(void *self)
{
    (void)self; /* runs wherever the host does */
    return ODEON_OK;
}

static odeon_status describe(void *self, char *text, uint64_t bytes)
{
    (void)self;
    (void)snprintf(text, bytes, "plain loops");
    return ODEON_OK;
}

/* All families, and rows that step by themselves; nothing is captured, counted or pinned here. */
static const void *get_table(void *self, const char *id)
{
#define FAMILY(name, header) {ODEON_FAMILY(name), &reference_##name},
    static const device_table tables[] = {
        ODEON_FAMILY_LIST(FAMILY){ODEON_DEVICE_LANES, &reference_lanes}};
#undef FAMILY
    (void)self;
    return device_table_find(tables, sizeof tables / sizeof tables[0], id);
}

/* ---- queues and memory ---- */

static odeon_status queue_create(void *self, int32_t worker, void **out)
{
    (void)worker;
    reference_device *device = self;
    *out = NULL;
    reference_queue *queue = device->host->alloc(device->host, sizeof *queue);
    if (queue == NULL) {
        return odeon_fail(device->host, ODEON_ERR_NOMEM,
                          "device reference: no memory for a queue of %zu bytes", sizeof *queue);
    }
    queue->host = device->host;
    *out = queue;
    return ODEON_OK;
}

static void queue_destroy(void *self, void *handle)
{
    reference_device *device = self;
    device->host->free(device->host, handle);
}

static odeon_status wait_for_all(odeon_queue *queue)
{
    (void)queue; /* operators have finished when they return */
    return ODEON_OK;
}

static odeon_status memory_alloc(void *self, uint64_t bytes, void **out)
{
    reference_device *device = self;
    *out = device->host->alloc(device->host, bytes > 0 ? bytes : 1);
    if (*out == NULL) {
        return odeon_fail(device->host, ODEON_ERR_NOMEM,
                          "device reference: no memory for %llu bytes; use a smaller batch",
                          (unsigned long long)bytes);
    }
    return ODEON_OK;
}

static void memory_free(void *self, void *memory)
{
    reference_device *device = self;
    device->host->free(device->host, memory);
}

static odeon_status transfer(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    (void)queue;
    if (bytes > 0) { /* memcpy must not get NULL even for 0 bytes */
        memcpy(destination, source, bytes);
    }
    return ODEON_OK;
}

static odeon_status slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    (void)queue;
    for (int32_t i = 0; i < n; i++) {
        values[i] = slots[first + i];
    }
    return ODEON_OK;
}

/* ---- the plugin ---- */

static const odeon_device_ops ops = {
    .struct_size = sizeof ops,
    .rank = 0,
    .device_type = ODEON_ON_HOST,
    .probe = probe,
    .describe = describe,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .alloc = memory_alloc,
    .free = memory_free,
    .upload = transfer,
    .download = transfer,
    .slots_read = slots_read,
    .wait = wait_for_all,
    .get_table = get_table,
};

ODEON_PLUGIN_OPTIONS(
    DEVICE, "reference", &ops,
    "every operator as a plain loop in double precision, to test other devices against", NULL, NULL,
    reference_device, NULL, NULL, NULL);
