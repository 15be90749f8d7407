#include "remote.h"

#include <stdio.h>
#include <string.h>

#include "../common/host_kernels.h"
#include "cpu.h"

/* What an odeon_queue of this device really is. */
typedef struct remote_queue {
    remote_device *device;
    odeon_queue *cpu;
} remote_queue;

static remote_queue *mine(odeon_queue *queue)
{
    return (remote_queue *)(void *)queue;
}

odeon_queue *remote_cpu_queue(const odeon_queue *queue)
{
    return ((const remote_queue *)(const void *)queue)->cpu;
}

odeon_status remote_create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    remote_device *d = host->alloc(host, sizeof *d);
    if (d == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes", sizeof *d);
    }
    d->host = host;
    odeon_status status = cpu_create(host, config, &d->cpu);
    if (status == ODEON_OK) {
        uint64_t limit = (uint64_t)host->option_i64(config, "memory");
        status = remote_memory_open(host, limit, &d->memory);
        if (status != ODEON_OK) {
            cpu_destroy(d->cpu);
        }
    }
    if (status != ODEON_OK) {
        host->free(host, d);
        return status;
    }
    *out = d;
    return ODEON_OK;
}

void remote_destroy(void *self)
{
    remote_device *d = self;
    if (d != NULL) {
        if (d->memory.damaged) {
            d->host->log(d->host, ODEON_LOG_WARNING, "remote: something wrote behind a block");
        }
        remote_memory_close(&d->memory);
        cpu_destroy(d->cpu);
        d->host->free(d->host, d);
    }
}

odeon_status remote_probe(void *device)
{
    remote_device *d = device;
    return cpu_device_ops.probe(d->cpu);
}

odeon_status remote_describe(void *device, char *text, uint64_t bytes)
{
    remote_device *d = device;
    char of_cpu[128];
    ODEON_TRY(cpu_device_ops.describe(d->cpu, of_cpu, sizeof of_cpu));
    (void)snprintf(text, bytes, "%s, memory out of reach", of_cpu);
    return ODEON_OK;
}

odeon_status remote_queue_create(void *device, int32_t worker, odeon_queue **out)
{
    remote_device *d = device;
    *out = NULL;
    remote_queue *q = d->host->alloc(d->host, sizeof *q);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes", sizeof *q);
    }
    q->device = d;
    odeon_status status = cpu_device_ops.queue_create(d->cpu, worker, &q->cpu);
    if (status != ODEON_OK) {
        d->host->free(d->host, q);
        return status;
    }
    *out = (odeon_queue *)(void *)q;
    return ODEON_OK;
}

void remote_queue_destroy(odeon_queue *queue)
{
    if (queue != NULL) {
        remote_device *d = mine(queue)->device;
        cpu_device_ops.queue_destroy(mine(queue)->cpu);
        d->host->free(d->host, mine(queue));
    }
}

odeon_status remote_alloc(void *device, uint64_t bytes, void **out)
{
    remote_device *d = device;
    return remote_memory_take(&d->memory, bytes, out);
}

void remote_free(void *device, void *memory)
{
    remote_device *d = device;
    remote_memory_give(&d->memory, memory);
}

odeon_status remote_reach(const odeon_queue *queue, const char *name, const void *shown,
                          uint64_t bytes, void **out)
{
    const remote_queue *q = (const remote_queue *)(const void *)queue;
    const remote_memory *memory = &q->device->memory;
    *out = remote_memory_reach(memory, shown, bytes);
    if (*out == NULL) {
        return odeon_fail(q->device->host, ODEON_ERR_INTERNAL,
                          "remote: %s: %llu bytes at %p are not memory of this device", name,
                          (unsigned long long)bytes, shown);
    }
    if (atomic_load_explicit(&memory->damaged, memory_order_relaxed)) {
        return odeon_fail(q->device->host, ODEON_ERR_INTERNAL,
                          "remote: %s: something before it wrote behind the end of a block", name);
    }
    return ODEON_OK;
}

odeon_status remote_tensor(const odeon_queue *queue, const char *name, const odeon_tensor *x,
                           odeon_tensor *out)
{
    *out = *x;
    if (odeon_count(x) == 0) {
        return ODEON_OK;
    }
    return remote_reach(queue, name, x->data,
                        (uint64_t)(odeon_count(x) * odeon_dtype_bytes(x->dtype)), &out->data);
}

odeon_status remote_optional(const odeon_queue *queue, const char *name, const odeon_tensor *x,
                             odeon_tensor *storage, const odeon_tensor **out)
{
    *out = x != NULL ? storage : NULL;
    return x != NULL ? remote_tensor(queue, name, x, storage) : ODEON_OK;
}

odeon_status remote_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes)
{
    void *to;
    ODEON_TRY(remote_reach(queue, "upload", destination, bytes, &to));
    return cpu_device_ops.upload(mine(queue)->cpu, to, source, bytes);
}

odeon_status remote_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    void *from;
    ODEON_TRY(remote_reach(queue, "download", source, bytes, &from));
    return cpu_device_ops.download(mine(queue)->cpu, destination, from, bytes);
}

odeon_status remote_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    void *from;
    ODEON_TRY(remote_reach(queue, "slots_read", slots, ODEON_SLOTS * sizeof *slots, &from));
    return cpu_device_ops.slots_read(mine(queue)->cpu, from, first, n, values);
}

odeon_status remote_wait(odeon_queue *queue)
{
    return cpu_device_ops.wait(mine(queue)->cpu);
}

/* ---- extensions ---- */

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    remote_device *d = device;
    const odeon_device_counters *of_cpu =
        cpu_device_ops.get_extension(d->cpu, ODEON_DEVICE_COUNTERS);
    of_cpu->read(d->cpu, launches, waits, allocs, live_bytes);
    *allocs = atomic_load(&d->memory.allocs);
    *live_bytes = atomic_load(&d->memory.live_bytes);
}

static odeon_status read_memory(void *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    remote_device *d = device;
    remote_memory_left(&d->memory, free_bytes, total_bytes);
    return ODEON_OK;
}

static odeon_status poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    void *at;
    ODEON_TRY(remote_reach(queue, "poison", memory, bytes, &at));
    if (bytes > 0) {
        memset(at, 0xff, bytes);
    }
    return ODEON_OK;
}

static void *reach(const host_kernel_memory *memory, const void *address, uint64_t bytes)
{
    return remote_memory_reach(memory->device, address, bytes);
}

static odeon_status enqueue(odeon_queue *queue, host_kernel *function, const void *arguments,
                            uint64_t bytes)
{
    const remote_device *d = mine(queue)->device;
    const host_kernel_memory memory = {.device = &d->memory, .reach = reach};
    (void)bytes;
    odeon_status status = function(&memory, arguments);
    return status == ODEON_OK
               ? ODEON_OK
               : odeon_fail(d->host, status, "remote: a kernel was given what it cannot use");
}

const void *remote_extension(void *device, const char *id)
{
    static const host_kernels kernels = {
        .struct_size = sizeof kernels,
        .enqueue = enqueue,
    };
    static const odeon_device_counters counters = {
        .struct_size = sizeof counters,
        .read = read_counters,
    };
    static const odeon_device_memory memory = {
        .struct_size = sizeof memory,
        .read = read_memory,
    };
    static const odeon_device_poison poisoning = {
        .struct_size = sizeof poisoning,
        .poison = poison,
    };
    (void)device;
    if (strcmp(id, ODEON_DEVICE_COUNTERS) == 0) {
        return &counters;
    }
    if (strcmp(id, HOST_KERNELS) == 0) {
        return &kernels;
    }
    if (strcmp(id, ODEON_DEVICE_MEMORY) == 0) {
        return &memory;
    }
    return strcmp(id, ODEON_DEVICE_POISON) == 0 ? &poisoning : NULL;
}
