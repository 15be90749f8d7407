#include "stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/host_kernels.h"

static stream *mine(odeon_queue *queue)
{
    return (stream *)(void *)queue;
}

/* ---- what the device behind is given as its host ---- */

static void *between_alloc(const odeon_host *host, uint64_t bytes)
{
    const stream_device *d = host->self;
    return d->host->alloc(d->host, bytes);
}

static void between_free(const odeon_host *host, void *memory)
{
    const stream_device *d = host->self;
    d->host->free(d->host, memory);
}

/* The host keeps messages by thread, and none of its own will ask the thread of a stream. */
static odeon_status between_fail(const odeon_host *host, odeon_status status, const char *text)
{
    const stream_device *d = host->self;
    stream *s = pthread_getspecific(d->carrier);
    if (s == NULL) {
        return d->host->fail(d->host, status, text);
    }
    if (s->message[0] == '\0') {
        (void)snprintf(s->message, sizeof s->message, "%s", text);
    }
    return status;
}

static void between_log(const odeon_host *host, int32_t level, const char *text)
{
    const stream_device *d = host->self;
    d->host->log(d->host, level, text);
}

static const void *between_extension(const odeon_host *host, const char *id)
{
    const stream_device *d = host->self;
    return d->host->get_extension(d->host, id);
}

/* ---- the device ---- */

static odeon_status make_keys(stream_device *d)
{
    if (pthread_key_create(&d->carrier, NULL) == 0) {
        if (pthread_key_create(&d->recorder, NULL) == 0) {
            if (pthread_mutex_init(&d->lock, NULL) == 0) {
                return ODEON_OK;
            }
            (void)pthread_key_delete(d->recorder);
        }
        (void)pthread_key_delete(d->carrier);
    }
    return odeon_fail(d->host, ODEON_ERR_NOMEM,
                      "remote: the system has no thread key or lock left");
}

odeon_status stream_device_open(const odeon_host *host, int32_t late, int32_t loops,
                                stream_device *device)
{
    memset(device, 0, sizeof *device);
    const char *lost_at = getenv("ODEON_REMOTE_FAILS");
    device->host = host;
    device->late = late;
    device->loops = loops;
    device->lost_at = lost_at != NULL ? strtol(lost_at, NULL, 10) : 0;
    device->between = *host;
    device->between.self = device;
    device->between.alloc = between_alloc;
    device->between.free = between_free;
    device->between.fail = between_fail;
    device->between.log = between_log;
    device->between.get_extension = between_extension;
    return make_keys(device);
}

void stream_device_close(stream_device *device)
{
    (void)pthread_key_delete(device->carrier);
    (void)pthread_key_delete(device->recorder);
    (void)pthread_mutex_destroy(&device->lock);
}

/* Told to the queue that finds it out. */
static odeon_status lose(const stream_device *d)
{
    return odeon_fail(&d->between, ODEON_ERR_DEVICE, "remote: the device is lost (launch %lld)",
                      (long long)d->lost_at);
}

static int32_t is_lost(const stream_device *d)
{
    return d->lost_at > 0 && atomic_load_explicit(&d->launches, memory_order_relaxed) >= d->lost_at;
}

static odeon_status carry_lost(const stream *s, const void *arguments)
{
    (void)arguments;
    return lose(s->device);
}

odeon_status stream_probe(void *device)
{
    stream_device *d = device;
    return d->ops->probe(d->inner);
}

odeon_status stream_describe(void *device, char *text, uint64_t bytes)
{
    stream_device *d = device;
    char of_inner[160];
    ODEON_TRY(d->ops->describe(d->inner, of_inner, sizeof of_inner));
    (void)snprintf(text, bytes, "%s%s", of_inner, d->late ? ", late" : "");
    return ODEON_OK;
}

/* ---- memory ---- */

odeon_status stream_alloc(void *device, uint64_t bytes, void **out)
{
    stream_device *d = device;
    stream *recording = pthread_getspecific(d->recorder);
    *out = NULL;
    if (recording != NULL) {
        return stream_refuse(recording, "alloc");
    }
    if (is_lost(d)) {
        return lose(d);
    }
    return d->ops->alloc(d->inner, bytes, out);
}

void stream_free(void *device, void *memory)
{
    stream_device *d = device;
    stream *recording = pthread_getspecific(d->recorder);
    if (recording != NULL && memory != NULL) {
        (void)stream_refuse(recording, "free");
    }
    (void)pthread_mutex_lock(&d->lock);
    for (stream *s = d->streams; s != NULL; s = s->next) {
        stream_drain(s);
    }
    (void)pthread_mutex_unlock(&d->lock);
    d->ops->free(d->inner, memory);
}

/* ---- queues ---- */

static odeon_status start(stream *s, int32_t worker)
{
    stream_device *d = s->device;
    ODEON_TRY(d->ops->queue_create(d->inner, worker, &s->inner));
    odeon_status status = d->late ? stream_late_start(s) : ODEON_OK;
    if (status != ODEON_OK) {
        d->ops->queue_destroy(s->inner);
    }
    return status;
}

odeon_status stream_queue_create(void *device, int32_t worker, odeon_queue **out)
{
    stream_device *d = device;
    *out = NULL;
    stream *s = d->host->alloc(d->host, sizeof *s);
    if (s == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes", sizeof *s);
    }
    memset(s, 0, sizeof *s);
    s->device = d;
    s->random = (uint64_t)worker;
    odeon_status status = start(s, worker);
    if (status != ODEON_OK) {
        d->host->free(d->host, s);
        return status;
    }
    (void)pthread_mutex_lock(&d->lock);
    s->next = d->streams;
    d->streams = s;
    (void)pthread_mutex_unlock(&d->lock);
    *out = (odeon_queue *)(void *)s;
    return ODEON_OK;
}

static void leave_list(stream *s)
{
    stream_device *d = s->device;
    (void)pthread_mutex_lock(&d->lock);
    for (stream **link = &d->streams; *link != NULL; link = &(*link)->next) {
        if (*link == s) {
            *link = s->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&d->lock);
}

void stream_queue_destroy(odeon_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    stream *s = mine(queue);
    stream_device *d = s->device;
    leave_list(s);
    stream_forget_recording(s);
    if (d->late) {
        stream_late_finish(s);
    }
    d->ops->queue_destroy(s->inner);
    d->host->free(d->host, s);
}

odeon_status stream_ask(odeon_queue *queue, stream_run *run, const void *arguments, size_t bytes)
{
    stream *s = mine(queue);
    if (s->recording != NULL) {
        return stream_record(s, run, arguments, bytes);
    }
    return s->device->late ? stream_late_ask(s, run, arguments, bytes) : run(s, arguments);
}

odeon_status stream_launch(odeon_queue *queue, stream_run *run, const void *arguments, size_t bytes)
{
    stream *s = mine(queue);
    if (s->recording == NULL) {
        atomic_fetch_add_explicit(&s->device->launches, 1, memory_order_relaxed);
        run = is_lost(s->device) ? carry_lost : run;
    }
    return stream_ask(queue, run, arguments, bytes);
}

/* ---- transfer ---- */

enum { UPLOAD_BYTES = 4096 }; /* more is not left to the thread */

typedef struct upload_call {
    void *destination;
    uint64_t bytes;
    unsigned char source[UPLOAD_BYTES];
} upload_call;

static_assert(sizeof(upload_call) <= STREAM_CALL_BYTES, "a call holds every operator's arguments");

static odeon_status carry_upload(const stream *s, const void *arguments)
{
    const upload_call *a = arguments;
    return s->device->ops->upload(s->inner, a->destination, a->source, a->bytes);
}

/* Nothing of this stream is under way afterwards; name waits and is counted. */
static odeon_status settle(stream *s, const char *name)
{
    ODEON_TRY(stream_refuse(s, name));
    ODEON_TRY(s->device->late ? stream_late_settle(s) : ODEON_OK);
    return is_lost(s->device) ? lose(s->device) : ODEON_OK;
}

static odeon_status settle_counted(stream *s, const char *name)
{
    atomic_fetch_add_explicit(&s->device->waits, 1, memory_order_relaxed);
    return settle(s, name);
}

typedef struct pinned_call {
    void *destination;
    const void *source;
    uint64_t bytes;
} pinned_call;

static odeon_status carry_pinned(const stream *s, const void *arguments)
{
    const pinned_call *a = arguments;
    return s->device->ops->upload(s->inner, a->destination, a->source, a->bytes);
}

odeon_status stream_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes)
{
    stream *s = mine(queue);
    if (s->device->late && bytes <= UPLOAD_BYTES && !stream_is_pinned(s->device, source, bytes)) {
        upload_call a = {.destination = destination, .bytes = bytes};
        ODEON_TRY(stream_refuse(s, "upload"));
        if (bytes > 0) {
            memcpy(a.source, source, bytes);
        }
        return stream_late_ask(s, carry_upload, &a, sizeof a);
    }
    if (s->device->late && stream_is_pinned(s->device, source, bytes)) {
        pinned_call a = {destination, source, bytes};
        ODEON_TRY(stream_refuse(s, "upload"));
        return stream_late_ask(s, carry_pinned, &a, sizeof a);
    }
    ODEON_TRY(settle(s, "upload"));
    return s->device->ops->upload(s->inner, destination, source, bytes);
}

odeon_status stream_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    stream *s = mine(queue);
    ODEON_TRY(settle_counted(s, "download"));
    return s->device->ops->download(s->inner, destination, source, bytes);
}

odeon_status stream_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    stream *s = mine(queue);
    ODEON_TRY(settle_counted(s, "slots_read"));
    return s->device->ops->slots_read(s->inner, slots, first, n, values);
}

odeon_status stream_wait(odeon_queue *queue)
{
    stream *s = mine(queue);
    ODEON_TRY(settle_counted(s, "wait"));
    return s->device->ops->wait(s->inner);
}

uint64_t stream_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                               const odeon_tensor *w)
{
    stream_device *d = device;
    return d->ops->conv2d_scratch(d->inner, geometry, x, w);
}

/* ---- extensions ---- */

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    stream_device *d = device;
    const odeon_device_counters *of_inner = d->ops->get_extension(d->inner, ODEON_DEVICE_COUNTERS);
    of_inner->read(d->inner, launches, waits, allocs, live_bytes);
    *launches = atomic_load_explicit(&d->launches, memory_order_relaxed);
    *waits = atomic_load_explicit(&d->waits, memory_order_relaxed);
}

typedef struct poison_call {
    void *memory;
    uint64_t bytes;
} poison_call;

static odeon_status carry_poison(const stream *s, const void *arguments)
{
    const poison_call *a = arguments;
    const odeon_device_poison *of_inner =
        s->device->ops->get_extension(s->device->inner, ODEON_DEVICE_POISON);
    return of_inner->poison(s->inner, a->memory, a->bytes);
}

static odeon_status poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    poison_call a = {.memory = memory, .bytes = bytes};
    return stream_ask(queue, carry_poison, &a, sizeof a);
}

typedef struct kernel_call {
    host_kernel *function;
    uint64_t bytes;
    _Alignas(max_align_t) unsigned char arguments[HOST_KERNEL_BYTES];
} kernel_call;

static_assert(sizeof(kernel_call) <= STREAM_CALL_BYTES, "a call holds every kernel's arguments");

static odeon_status carry_kernel(const stream *s, const void *arguments)
{
    const kernel_call *a = arguments;
    const host_kernels *of_inner = s->device->ops->get_extension(s->device->inner, HOST_KERNELS);
    return of_inner->enqueue(s->inner, a->function, a->arguments, a->bytes);
}

static odeon_status enqueue(odeon_queue *queue, host_kernel *function, const void *arguments,
                            uint64_t bytes)
{
    kernel_call a = {.function = function, .bytes = bytes};
    if (bytes > sizeof a.arguments) {
        return odeon_fail(mine(queue)->device->host, ODEON_ERR_INTERNAL,
                          "remote: a kernel has arguments of %llu bytes, %d is the most",
                          (unsigned long long)bytes, HOST_KERNEL_BYTES);
    }
    memcpy(a.arguments, arguments, bytes);
    return stream_launch(queue, carry_kernel, &a, sizeof a);
}

static odeon_status read_memory(void *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    stream_device *d = device;
    const odeon_device_memory *of_inner = d->ops->get_extension(d->inner, ODEON_DEVICE_MEMORY);
    return of_inner->read(d->inner, free_bytes, total_bytes);
}

const void *stream_extension(void *device, const char *id)
{
    static const host_kernels kernels = {
        .struct_size = sizeof kernels,
        .enqueue = enqueue,
    };
    static const odeon_device_memory memory = {
        .struct_size = sizeof memory,
        .read = read_memory,
    };
    static const odeon_device_counters counters = {
        .struct_size = sizeof counters,
        .read = read_counters,
    };
    static const odeon_device_poison poisoning = {
        .struct_size = sizeof poisoning,
        .poison = poison,
    };
    stream_device *d = device;
    if (strcmp(id, ODEON_DEVICE_COUNTERS) == 0) {
        return &counters;
    }
    if (strcmp(id, ODEON_DEVICE_CAPTURE) == 0) {
        return d->loops ? &stream_capture : &stream_capture_without_loops;
    }
    if (strcmp(id, ODEON_DEVICE_PINNED) == 0) {
        return &stream_pinned;
    }
    if (strcmp(id, ODEON_DEVICE_MEMORY) == 0) {
        return d->ops->get_extension(d->inner, id) != NULL ? &memory : NULL;
    }
    if (strcmp(id, ODEON_DEVICE_POISON) == 0) {
        return d->ops->get_extension(d->inner, id) != NULL ? &poisoning : NULL;
    }
    if (strcmp(id, HOST_KERNELS) == 0) {
        return d->ops->get_extension(d->inner, id) != NULL ? &kernels : NULL;
    }
    return NULL;
}
