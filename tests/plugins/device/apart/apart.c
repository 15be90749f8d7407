/* apart: a device with memory and queues of its own, which names the device cpu as its base and has
 * no family: that of the base would follow addresses that are none of its. For tests. */
#define ODEON_PLUGIN_VENDOR  "Odeon"
#define ODEON_PLUGIN_LICENSE "MIT"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odeon/odeon.h"

typedef struct apart {
    ODEON_INSTANCE;
} apart;

static const char *base(void *self)
{
    (void)self;
    return "cpu";
}

static odeon_status probe(void *self)
{
    (void)self;
    return ODEON_OK;
}

static odeon_status describe(void *self, char *text, uint64_t bytes)
{
    (void)self;
    (void)snprintf(text, bytes, "nothing");
    return ODEON_OK;
}

static odeon_status queue_create(void *self, int32_t worker, void **out)
{
    (void)worker;
    *out = self;
    return ODEON_OK;
}

static void queue_destroy(void *self, void *handle)
{
    (void)self;
    (void)handle;
}

static odeon_status take(void *self, uint64_t bytes, void **out)
{
    const apart *d = self;
    *out = aligned_alloc(64, (bytes / 64 + 1) * 64);
    return *out != NULL ? ODEON_OK
                        : odeon_fail(d->host, ODEON_ERR_NOMEM, "apart: no memory for %llu bytes",
                                     (unsigned long long)bytes);
}

static void give(void *self, void *memory)
{
    (void)self;
    free(memory);
}

static odeon_status move(odeon_queue *queue, void *destination, const void *source, uint64_t bytes)
{
    (void)queue;
    memcpy(destination, source, bytes);
    return ODEON_OK;
}

static odeon_status wait(odeon_queue *queue)
{
    (void)queue;
    return ODEON_OK;
}

static odeon_status slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    return move(queue, values, slots + first, (uint64_t)n * sizeof *values);
}

static const void *get_table(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static const odeon_device_ops ops = {
    .struct_size = sizeof ops,
    .rank = -1,
    .device_type = ODEON_ON_HOST,
    .base = base,
    .probe = probe,
    .describe = describe,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .alloc = take,
    .free = give,
    .upload = move,
    .download = move,
    .wait = wait,
    .slots_read = slots_read,
    .get_table = get_table,
};

ODEON_PLUGIN_OPTIONS(DEVICE, "apart", &ops, "memory of its own and no operator, for tests", NULL,
                     NULL, apart, NULL, NULL, NULL);
