#include "emulated.h"

#include <stdio.h>
#include <string.h>

#include "../common/host_kernels.h"
#include "common/tables.h"
#include "odeon/device_ext.h"
#include "odeon/plugin.h"

static odeon_status probe(void *device)
{
    (void)device;
    return ODEON_OK;
}

static odeon_status describe(void *device, char *text, uint64_t bytes)
{
    (void)device;
    (void)snprintf(text, bytes, "kernels of the device cuda on the host");
    return ODEON_OK;
}

/* ---- memory ---- */

/* The size of a block stands in front of it, so that live bytes can be counted. */
enum { HEADER_BYTES = 64, POISON = 0xff };

static odeon_status device_alloc(void *device, uint64_t bytes, void **out)
{
    emulated_device *d = device;
    *out = NULL;
    unsigned char *block =
        bytes > UINT64_MAX - HEADER_BYTES ? NULL : d->host->alloc(d->host, bytes + HEADER_BYTES);
    if (block == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "emulated: no memory for %llu bytes",
                          (unsigned long long)bytes);
    }
    memset(block, POISON, bytes + HEADER_BYTES);
    memcpy(block, &bytes, sizeof bytes);
    atomic_fetch_add_explicit(&d->allocs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->live_bytes, (int64_t)bytes, memory_order_relaxed);
    *out = block + HEADER_BYTES;
    return ODEON_OK;
}

static void device_free(void *device, void *memory)
{
    emulated_device *d = device;
    uint64_t bytes;
    if (memory == NULL) {
        return;
    }
    unsigned char *block = (unsigned char *)memory - HEADER_BYTES;
    memcpy(&bytes, block, sizeof bytes);
    atomic_fetch_sub_explicit(&d->live_bytes, (int64_t)bytes, memory_order_relaxed);
    d->host->free(d->host, block);
}

static odeon_status transfer(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    (void)queue;
    if (bytes > 0) {
        memcpy(destination, source, bytes);
    }
    return ODEON_OK;
}

static odeon_status device_wait(odeon_queue *queue)
{
    atomic_fetch_add_explicit(&emulated_queue_of(queue)->device->waits, 1, memory_order_relaxed);
    return ODEON_OK;
}

static odeon_status download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    ODEON_TRY(transfer(queue, destination, source, bytes));
    return device_wait(queue);
}

static odeon_status slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    return download(queue, values, slots + first, (uint64_t)n * sizeof *values);
}

/* ---- extensions ---- */

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    emulated_device *d = device;
    *launches = atomic_load(&d->launches);
    *waits = atomic_load(&d->waits);
    *allocs = atomic_load(&d->allocs);
    *live_bytes = atomic_load(&d->live_bytes);
}

static odeon_status poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    (void)queue;
    if (bytes > 0) {
        memset(memory, POISON, bytes);
    }
    return ODEON_OK;
}

static void *reach(const host_kernel_memory *memory, const void *address, uint64_t bytes)
{
    void *out;
    (void)memory;
    (void)bytes;
    memcpy(&out, &address, sizeof out);
    return out;
}

static odeon_status enqueue(odeon_queue *queue, host_kernel *function, const void *arguments,
                            uint64_t bytes)
{
    _Alignas(max_align_t) unsigned char copy[HOST_KERNEL_BYTES];
    const host_kernel_memory memory = {.reach = reach};
    if (bytes > sizeof copy) {
        return device_fail(queue, ODEON_ERR_INTERNAL,
                           "a kernel has arguments of %llu bytes, %d is the most",
                           (unsigned long long)bytes, HOST_KERNEL_BYTES);
    }
    memcpy(copy, arguments, bytes);
    atomic_fetch_add_explicit(&emulated_queue_of(queue)->device->launches, 1, memory_order_relaxed);
    odeon_status status = function(&memory, copy);
    return status == ODEON_OK ? ODEON_OK
                              : device_fail(queue, status, "a kernel was given what it cannot use");
}

static const void *get_table(void *self, const char *id)
{
    static const host_kernels kernels = {.struct_size = sizeof kernels, .enqueue = enqueue};
    static const odeon_device_counters counters = {.struct_size = sizeof counters,
                                                   .read = read_counters};
    static const odeon_device_poison poisoning = {.struct_size = sizeof poisoning,
                                                  .poison = poison};
#define FAMILY(name, header) {ODEON_FAMILY(name), &ops_##name},
    static const device_table tables[] = {
        ODEON_FAMILY_LIST(FAMILY){ODEON_DEVICE_COUNTERS, &counters},
        {ODEON_DEVICE_POISON, &poisoning},
        {ODEON_DEVICE_FUSED, &ops_fused},
        {HOST_KERNELS, &kernels},
    };
#undef FAMILY
    (void)self;
    return device_table_find(tables, sizeof tables / sizeof tables[0], id);
}

static const odeon_device_ops ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = 0,
    .device_type = ODEON_ON_HOST,
    .probe = probe,
    .describe = describe,
    .queue_create = emulated_queue_create,
    .queue_destroy = emulated_queue_destroy,
    .alloc = device_alloc,
    .free = device_free,
    .upload = transfer,
    .download = download,
    .slots_read = slots_read,
    .wait = device_wait,
    .get_table = get_table,
};

/* ---- the plugin ---- */

ODEON_PLUGIN_OPTIONS(DEVICE, "emulated", &ops, "kernels of the device cuda on the host, for tests",
                     NULL, NULL, emulated_device, NULL, NULL, NULL);
