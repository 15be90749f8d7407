#include "stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "odeon/device_solver.h"

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

odeon_status stream_device_open(stream_device *device)
{
    const char *lost_at = getenv("ODEON_REMOTE_FAILS");
    device->lost_at = lost_at != NULL ? strtol(lost_at, NULL, 10) : 0;
    device->between = *device->host;
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

static odeon_status carry_lost(stream *s, const void *arguments)
{
    (void)arguments;
    return lose(s->device);
}

odeon_status stream_probe(void *self)
{
    stream_device *d = self;
    return cpu_device_ops.probe(d->remote.cpu);
}

odeon_status stream_describe(void *self, char *text, uint64_t bytes)
{
    stream_device *d = self;
    char of_cpu[128];
    ODEON_TRY(cpu_device_ops.describe(d->remote.cpu, of_cpu, sizeof of_cpu));
    (void)snprintf(text, bytes, "%s, memory out of reach%s", of_cpu, d->late ? ", late" : "");
    return ODEON_OK;
}

/* ---- memory ---- */

odeon_status stream_alloc(void *self, uint64_t bytes, void **out)
{
    stream_device *d = self;
    stream *recording = pthread_getspecific(d->recorder);
    *out = NULL;
    if (recording != NULL) {
        return stream_refuse(recording, "alloc");
    }
    if (is_lost(d)) {
        return lose(d);
    }
    return remote_memory_take(&d->remote.memory, bytes, out);
}

void stream_free(void *self, void *memory)
{
    stream_device *d = self;
    stream *recording = pthread_getspecific(d->recorder);
    if (recording != NULL && memory != NULL) {
        (void)stream_refuse(recording, "free");
    }
    (void)pthread_mutex_lock(&d->lock);
    for (stream *s = d->streams; s != NULL; s = s->next) {
        stream_drain(s);
    }
    (void)pthread_mutex_unlock(&d->lock);
    remote_memory_give(&d->remote.memory, memory);
}

/* ---- queues ---- */

static odeon_status start(stream *s, int32_t worker)
{
    stream_device *d = s->device;
    s->cpu.self = d->remote.cpu;
    ODEON_TRY(cpu_device_ops.queue_create(d->remote.cpu, worker, &s->cpu.handle));
    odeon_status status = d->late ? stream_late_start(s) : ODEON_OK;
    if (status != ODEON_OK) {
        cpu_device_ops.queue_destroy(d->remote.cpu, s->cpu.handle);
    }
    return status;
}

odeon_status stream_queue_create(void *self, int32_t worker, void **out)
{
    stream_device *d = self;
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
    *out = s;
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

void stream_queue_destroy(void *self, void *handle)
{
    stream_device *d = self;
    stream *s = handle;
    if (s == NULL) {
        return;
    }
    leave_list(s);
    stream_forget_recording(s);
    if (d->late) {
        stream_late_finish(s);
    }
    cpu_device_ops.queue_destroy(d->remote.cpu, s->cpu.handle);
    d->host->free(d->host, s);
}

odeon_status stream_ask(stream *s, stream_run *run, const void *arguments, size_t bytes)
{
    if (s->recording != NULL) {
        return stream_record(s, run, arguments, bytes);
    }
    return s->device->late ? stream_late_ask(s, run, arguments, bytes) : run(s, arguments);
}

odeon_status stream_launch(stream *s, stream_run *run, const void *arguments, size_t bytes)
{
    if (s->recording == NULL) {
        atomic_fetch_add_explicit(&s->device->launches, 1, memory_order_relaxed);
        run = is_lost(s->device) ? carry_lost : run;
    }
    return stream_ask(s, run, arguments, bytes);
}

/* A packed call and how much of it there is. */
typedef struct operator_call {
    const call_operator *op;
    uint64_t bytes;
    _Alignas(max_align_t) unsigned char call[CALL_BYTES];
} operator_call;

static_assert(sizeof(operator_call) <= STREAM_CALL_BYTES,
              "a call holds every operator's arguments");

/* On a copy, as what is recorded is carried out again. */
static odeon_status carry_operator(stream *s, const void *arguments)
{
    const operator_call *a = arguments;
    _Alignas(max_align_t) unsigned char call[CALL_BYTES];
    memcpy(call, a->call, a->bytes);
    call_open(a->op, call);
    ODEON_TRY(remote_reach_call(&s->device->remote, a->op, call));
    return a->op->run(&s->cpu, call);
}

odeon_status stream_operator(odeon_queue *queue, int32_t id, const void *call)
{
    operator_call a;
    a.op = &call_operators[id];
    a.bytes = call_pack(a.op, call, a.call);
    return stream_launch(stream_of(queue), carry_operator, &a,
                         offsetof(operator_call, call) + a.bytes);
}

/* ---- transfer ---- */

enum { UPLOAD_BYTES = 4096 }; /* more is not left to the thread */

typedef struct upload_call {
    void *destination;
    uint64_t bytes;
    unsigned char source[UPLOAD_BYTES];
} upload_call;

static_assert(sizeof(upload_call) <= STREAM_CALL_BYTES, "a call holds every operator's arguments");

static odeon_status upload(stream *s, void *destination, const void *source, uint64_t bytes)
{
    void *to;
    ODEON_TRY(remote_reach(&s->device->remote, "upload", destination, bytes, &to));
    return cpu_device_ops.upload(&s->cpu, to, source, bytes);
}

static odeon_status carry_upload(stream *s, const void *arguments)
{
    const upload_call *a = arguments;
    return upload(s, a->destination, a->source, a->bytes);
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

static odeon_status carry_pinned(stream *s, const void *arguments)
{
    const pinned_call *a = arguments;
    return upload(s, a->destination, a->source, a->bytes);
}

odeon_status stream_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes)
{
    stream *s = stream_of(queue);
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
    return upload(s, destination, source, bytes);
}

odeon_status stream_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    stream *s = stream_of(queue);
    void *from;
    ODEON_TRY(settle_counted(s, "download"));
    ODEON_TRY(remote_reach(&s->device->remote, "download", source, bytes, &from));
    return cpu_device_ops.download(&s->cpu, destination, from, bytes);
}

static odeon_status read_slots(stream *s, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    void *from;
    ODEON_TRY(
        remote_reach(&s->device->remote, "slots_read", slots, ODEON_SLOTS * sizeof *slots, &from));
    return cpu_device_ops.slots_read(&s->cpu, from, first, n, values);
}

odeon_status stream_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    ODEON_TRY(settle_counted(stream_of(queue), "slots_read"));
    return read_slots(stream_of(queue), slots, first, n, values);
}

odeon_status stream_slot(stream *s, const double *slots, int32_t slot, double *value)
{
    return read_slots(s, slots, slot, 1, value);
}

odeon_status stream_wait(odeon_queue *queue)
{
    stream *s = stream_of(queue);
    ODEON_TRY(settle_counted(s, "wait"));
    return cpu_device_ops.wait(&s->cpu);
}
