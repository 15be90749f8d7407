#include <assert.h>
#include <string.h>

#include "../common/host_kernels.h"
#include "cpu.h"
#include "odeon/device_ext.h"
#include "stream.h"

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    stream_device *d = device;
    *launches = atomic_load_explicit(&d->launches, memory_order_relaxed);
    *waits = atomic_load_explicit(&d->waits, memory_order_relaxed);
    *allocs = atomic_load(&d->remote.memory.allocs);
    *live_bytes = atomic_load(&d->remote.memory.live_bytes);
}

static odeon_status read_memory(void *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    stream_device *d = device;
    remote_memory_left(&d->remote.memory, free_bytes, total_bytes);
    return ODEON_OK;
}

typedef struct poison_call {
    void *memory;
    uint64_t bytes;
} poison_call;

static odeon_status carry_poison(stream *s, const void *arguments)
{
    const poison_call *a = arguments;
    void *at;
    ODEON_TRY(remote_reach(&s->device->remote, "poison", a->memory, a->bytes, &at));
    if (a->bytes > 0) {
        memset(at, 0xff, a->bytes);
    }
    return ODEON_OK;
}

static odeon_status poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    poison_call a = {.memory = memory, .bytes = bytes};
    return stream_ask(stream_of(queue), carry_poison, &a, sizeof a);
}

typedef struct kernel_call {
    host_kernel *function;
    _Alignas(max_align_t) unsigned char arguments[HOST_KERNEL_BYTES];
} kernel_call;

static_assert(sizeof(kernel_call) <= STREAM_CALL_BYTES, "a call holds every kernel's arguments");

static void *reach(const host_kernel_memory *memory, const void *address, uint64_t bytes)
{
    return remote_memory_reach(memory->device, address, bytes);
}

static odeon_status carry_kernel(stream *s, const void *arguments)
{
    const kernel_call *a = arguments;
    const remote_device *d = &s->device->remote;
    const host_kernel_memory memory = {.device = &d->memory, .reach = reach};
    odeon_status status = a->function(&memory, a->arguments);
    return status == ODEON_OK
               ? ODEON_OK
               : odeon_fail(d->host, status, "remote: a kernel was given what it cannot use");
}

static odeon_status enqueue(odeon_queue *queue, host_kernel *function, const void *arguments,
                            uint64_t bytes)
{
    kernel_call a = {.function = function};
    if (bytes > sizeof a.arguments) {
        return odeon_fail(stream_of(queue)->device->host, ODEON_ERR_INTERNAL,
                          "remote: a kernel has arguments of %llu bytes, %d is the most",
                          (unsigned long long)bytes, HOST_KERNEL_BYTES);
    }
    memcpy(a.arguments, arguments, bytes);
    return stream_launch(stream_of(queue), carry_kernel, &a, sizeof a);
}

const host_kernels stream_kernels = {.struct_size = sizeof stream_kernels, .enqueue = enqueue};
const odeon_device_counters stream_counters = {.struct_size = sizeof stream_counters,
                                               .read = read_counters};
const odeon_device_memory stream_memory = {.struct_size = sizeof stream_memory,
                                           .read = read_memory};
const odeon_device_poison stream_poison = {.struct_size = sizeof stream_poison, .poison = poison};
