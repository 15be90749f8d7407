/* stream.h: queues that do not do at once what they are asked for.
 *
 * A stream copies the arguments of every REPLAYABLE call. Eager, it then carries the call out;
 * late, a thread of its own does so in order, each after a short random delay; and between begin
 * and end of ODEON_DEVICE_CAPTURE it records the call. What carries calls out is the device of
 * remote.h.
 *
 * A late call that fails is told by the next call that waits, and by all after that; nothing that
 * was asked for after it is carried out.
 *
 * Where ODEON_REMOTE_FAILS is n the device is lost at its launch n: that and all that is asked of
 * it later fails, on every queue. */
#ifndef ODEON_REMOTE_STREAM_H
#define ODEON_REMOTE_STREAM_H
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "odeon/device.h"
#include "odeon/device_ext.h"
#include "odeon/host.h"
#include "remote.h"

typedef struct stream stream;

typedef struct stream_device {
    ODEON_INSTANCE;
    int64_t late;
    int64_t loops;          /* 0: this device records no loops */
    remote_options options; /* of the device behind */
    int64_t is_open;
    odeon_host between;     /* what the device behind is given as its host; self is this device */
    remote_device remote;   /* the device behind */
    int64_t lost_at;        /* the number of a launch; 0: never */
    pthread_key_t carrier;  /* set on the thread of a stream: that stream */
    pthread_key_t recorder; /* set on a thread whose stream records: that stream */
    pthread_mutex_t lock;   /* of the list of streams */
    stream *streams;
    struct pinned_block *pinned; /* memory to upload from */
    _Atomic int64_t launches, waits;
} stream_device;

/* Carries a call out on the device behind. */
typedef odeon_status stream_run(stream *s, const void *arguments);

enum { STREAM_CALL_BYTES = CALL_BYTES + 64, STREAM_CALLS = 64 }; /* the largest; in waiting */

typedef struct stream_call {
    stream_run *run;
    int64_t reserved0;
    unsigned char arguments[STREAM_CALL_BYTES]; /* aligned as run */
} stream_call;

/* What a queue's handle is. */
struct stream {
    stream_device *device;
    odeon_queue cpu; /* of the CPU device of remote.h */
    stream *next;
    odeon_recording *recording; /* NULL: does not record */
    uint64_t random;

    /* Late. Whoever holds the lock may use what follows but for the message, which is the thread's
     * until status tells of it. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, changed; /* wake the thread; wake who waits for it */
    stream_call *calls;           /* [STREAM_CALLS]; call number i stands at i modulo that */
    uint64_t asked, done;
    uint64_t awaited; /* how many calls must be done to wake who waits; UINT64_MAX: nobody does */
    int32_t is_idle, closing;
    odeon_status status; /* of the first call that failed */
    char message[ODEON_MESSAGE_BYTES];
};

static inline stream *stream_of(const odeon_queue *queue)
{
    return queue->handle;
}

/* Fills in what is neither option nor remote; between is ready to be given to that. */
odeon_status stream_device_open(stream_device *device);
void stream_device_close(stream_device *device);

/* A launch: counted, then recorded, carried out or left to the thread. */
odeon_status stream_launch(stream *s, stream_run *run, const void *arguments, size_t bytes);
/* The same, not counted. */
odeon_status stream_ask(stream *s, stream_run *run, const void *arguments, size_t bytes);

/* Until all that was asked for is done, however it ended. [any] */
void stream_drain(stream *s);

/* late.c: the thread of a stream. finish waits for it and ends it. */
odeon_status stream_late_start(stream *s);
void stream_late_finish(stream *s);
odeon_status stream_late_ask(stream *s, stream_run *run, const void *arguments, size_t bytes);
/* Waits; the failure of a late call, told again. */
odeon_status stream_late_settle(stream *s);

/* pinned.c: is all this in memory that uploads take from by themselves? */
extern const odeon_device_pinned stream_pinned;
int32_t stream_is_pinned(stream_device *d, const void *memory, uint64_t bytes);

/* capture.c */
extern const odeon_device_capture stream_capture, stream_capture_without_loops;
odeon_status stream_record(stream *s, stream_run *run, const void *arguments, size_t bytes);
/* ODEON_ERR_DEVICE, and the recording is spoilt, if the stream records. */
odeon_status stream_refuse(stream *s, const char *name);
/* Ends a recording that nobody will have. */
void stream_forget_recording(stream *s);

/* stream.c: values[0] = slots[slot], of the device behind. */
odeon_status stream_slot(stream *s, const double *slots, int32_t slot, double *value);

/* The slots of odeon_device_ops; stream.c, but for get_table: tables.c. self is a stream_device. */
odeon_status stream_probe(void *self);
odeon_status stream_describe(void *self, char *text, uint64_t bytes);
odeon_status stream_queue_create(void *self, int32_t worker, void **out);
void stream_queue_destroy(void *self, void *handle);
odeon_status stream_alloc(void *self, uint64_t bytes, void **out);
void stream_free(void *self, void *memory);
odeon_status stream_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status stream_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes);
odeon_status stream_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values);
odeon_status stream_wait(odeon_queue *queue);
const void *stream_table(void *self, const char *id);

/* An operator of call_operators, by its OPERATOR_ id; stream.c. */
odeon_status stream_operator(odeon_queue *queue, int32_t id, const void *call);
/* The extensions but for the two above; extensions.c. */
extern const struct host_kernels stream_kernels;
extern const odeon_device_counters stream_counters;
extern const odeon_device_memory stream_memory;
extern const odeon_device_poison stream_poison;

#endif
