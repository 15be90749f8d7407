#include <string.h>

#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "stream.h"

/* A call, or a loop over those in its body. */
typedef struct recorded {
    struct recorded *next;
    stream_run *run; /* NULL: a loop */
    struct recorded *body;
    const double *slots;
    int64_t passes;
    int32_t slot, reserved0;
    max_align_t arguments[]; /* a call's */
} recorded;

struct odeon_recording {
    stream *owner;
    recorded *first;
    recorded **end;        /* where the next call is linked in */
    recorded **after_loop; /* not NULL within a loop: where to go on behind it */
    odeon_status status;   /* of the first call that could not be recorded */
};

static odeon_status spoil(stream *s, odeon_status status, const char *name, const char *why)
{
    if (s->recording != NULL && s->recording->status == ODEON_OK) {
        s->recording->status = status;
    }
    return odeon_fail(s->device->host, status, "remote: %s: %s", name, why);
}

odeon_status stream_refuse(stream *s, const char *name)
{
    return s->recording == NULL
               ? ODEON_OK
               : spoil(s, ODEON_ERR_DEVICE, name, "cannot be recorded; call it before or after");
}

static void destroy_list(const odeon_host *host, recorded *first)
{
    while (first != NULL) {
        recorded *next = first->next;
        destroy_list(host, first->body);
        host->free(host, first);
        first = next;
    }
}

static void destroy(odeon_recording *recording)
{
    if (recording != NULL) {
        const odeon_host *host = recording->owner->device->host;
        stream_drain(recording->owner);
        destroy_list(host, recording->first);
        host->free(host, recording);
    }
}

/* Also by the owner of the queue alone, so the thread is the one that began. */
static odeon_recording *stop(stream *s)
{
    odeon_recording *recording = s->recording;
    s->recording = NULL;
    (void)pthread_setspecific(s->device->recorder, NULL);
    return recording;
}

void stream_forget_recording(stream *s)
{
    if (s->recording != NULL) {
        destroy(stop(s));
    }
}

static odeon_status begin(odeon_queue *queue)
{
    stream *s = stream_of(queue);
    const odeon_host *host = s->device->host;
    ODEON_TRY(stream_refuse(s, "begin"));
    odeon_recording *recording = host->alloc(host, sizeof *recording);
    if (recording == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes",
                          sizeof *recording);
    }
    *recording = (odeon_recording){.owner = s};
    recording->end = &recording->first;
    s->recording = recording;
    (void)pthread_setspecific(s->device->recorder, s);
    return ODEON_OK;
}

static odeon_status append(stream *s, size_t bytes, recorded **out)
{
    const odeon_host *host = s->device->host;
    odeon_recording *r = s->recording;
    recorded *added = host->alloc(host, sizeof *added + bytes);
    *out = added;
    if (added == NULL) {
        return spoil(s, ODEON_ERR_NOMEM, "capture", "no memory for a call");
    }
    *added = (recorded){.next = NULL};
    *r->end = added;
    r->end = &added->next;
    return ODEON_OK;
}

odeon_status stream_record(stream *s, stream_run *run, const void *arguments, size_t bytes)
{
    recorded *call;
    ODEON_TRY(append(s, bytes, &call));
    call->run = run;
    memcpy(call->arguments, arguments, bytes);
    return ODEON_OK;
}

static odeon_status loop_begin(odeon_queue *queue, const double *slots, int32_t slot,
                               int64_t passes)
{
    stream *s = stream_of(queue);
    recorded *loop;
    if (s->recording == NULL) {
        return spoil(s, ODEON_ERR_DEVICE, "loop_begin", "nothing is being recorded");
    }
    if (s->recording->after_loop != NULL) {
        return spoil(s, ODEON_ERR_DEVICE, "loop_begin", "loops do not nest");
    }
    if (slot < 0 || slot >= ODEON_SLOTS || passes < 0) {
        return spoil(s, ODEON_ERR_INTERNAL, "loop_begin", "the slot or the passes are no number");
    }
    ODEON_TRY(append(s, 0, &loop));
    loop->slots = slots;
    loop->slot = slot;
    loop->passes = passes;
    s->recording->after_loop = s->recording->end;
    s->recording->end = &loop->body;
    return ODEON_OK;
}

static odeon_status loop_end(odeon_queue *queue)
{
    stream *s = stream_of(queue);
    if (s->recording == NULL || s->recording->after_loop == NULL) {
        return spoil(s, ODEON_ERR_DEVICE, "loop_end", "no loop was begun");
    }
    s->recording->end = s->recording->after_loop;
    s->recording->after_loop = NULL;
    return ODEON_OK;
}

static odeon_status end(odeon_queue *queue, odeon_recording **out)
{
    stream *s = stream_of(queue);
    *out = NULL;
    if (s->recording == NULL) {
        return spoil(s, ODEON_ERR_DEVICE, "end", "nothing is being recorded");
    }
    odeon_status status = s->recording->status;
    if (s->recording->after_loop != NULL) {
        status = spoil(s, ODEON_ERR_DEVICE, "end", "a loop is still open");
    } else if (status != ODEON_OK) {
        status = spoil(s, status, "end", "a call before it could not be recorded");
    }
    odeon_recording *recording = stop(s);
    if (status != ODEON_OK) {
        destroy(recording);
        return status;
    }
    *out = recording;
    return ODEON_OK;
}

static odeon_status run_list(stream *s, const recorded *first);

static odeon_status run_loop(stream *s, const recorded *loop)
{
    for (int64_t i = 0; i < loop->passes; i++) {
        double value;
        ODEON_TRY(stream_slot(s, loop->slots, loop->slot, &value));
        if (!(value == 0.0)) { /* NaN ends a loop too */
            break;
        }
        ODEON_TRY(run_list(s, loop->body));
    }
    return ODEON_OK;
}

static odeon_status run_list(stream *s, const recorded *first)
{
    for (const recorded *r = first; r != NULL; r = r->next) {
        ODEON_TRY(r->run != NULL ? r->run(s, r->arguments) : run_loop(s, r));
    }
    return ODEON_OK;
}

static odeon_status carry_replay(stream *s, const void *arguments)
{
    const odeon_recording *const *recording = arguments;
    return run_list(s, (*recording)->first);
}

static odeon_status replay(odeon_queue *queue, const odeon_recording *recording)
{
    stream *s = stream_of(queue);
    ODEON_TRY(stream_refuse(s, "replay"));
    if (recording->owner != s) {
        return spoil(s, ODEON_ERR_DEVICE, "replay", "another queue made the recording");
    }
    return stream_launch(s, carry_replay, &recording, sizeof recording);
}

const odeon_device_capture stream_capture = {
    .struct_size = sizeof stream_capture,
    .begin = begin,
    .end = end,
    .replay = replay,
    .destroy = destroy,
    .loop_begin = loop_begin,
    .loop_end = loop_end,
};

const odeon_device_capture stream_capture_without_loops = {
    .struct_size = sizeof stream_capture_without_loops,
    .begin = begin,
    .end = end,
    .replay = replay,
    .destroy = destroy,
};
