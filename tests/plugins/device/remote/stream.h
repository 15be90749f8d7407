/* stream.h: queues in front of another device's, which do not do at once what they are asked for.
 *
 * A stream copies the arguments of every REPLAYABLE call. Eager, it then carries the call out;
 * late, a thread of its own does so in order, each after a short random delay; and between begin
 * and end of ODEON_DEVICE_CAPTURE it records the call. The device behind is any table of operators.
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
#include "odeon/host.h"

typedef struct stream stream;

typedef struct stream_device {
    odeon_host between; /* what the device behind is given as its host; self is this device */
    const odeon_host *host;
    const odeon_device_ops *ops; /* of the device behind */
    void *inner;                 /* the device behind; whoever opened this one destroys it */
    int32_t late;
    int32_t loops;          /* 0: this device records no loops */
    int64_t lost_at;        /* the number of a launch; 0: never */
    pthread_key_t carrier;  /* set on the thread of a stream: that stream */
    pthread_key_t recorder; /* set on a thread whose stream records: that stream */
    pthread_mutex_t lock;   /* of the list of streams */
    stream *streams;
    struct pinned_block *pinned; /* memory to upload from */
    _Atomic int64_t launches, waits;
} stream_device;

/* Carries a call out on the device behind. */
typedef odeon_status stream_run(const stream *s, const void *arguments);

enum { STREAM_CALL_BYTES = 6144, STREAM_CALLS = 64 }; /* the largest arguments; calls in waiting */

typedef struct stream_call {
    stream_run *run;
    int64_t reserved0;
    unsigned char arguments[STREAM_CALL_BYTES]; /* aligned as run */
} stream_call;

/* What an odeon_queue of this device really is. */
struct stream {
    stream_device *device;
    odeon_queue *inner;
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

/* Fills in device, but for ops and inner; between is ready to be given to the device behind. */
odeon_status stream_device_open(const odeon_host *host, int32_t late, int32_t loops,
                                stream_device *device);
void stream_device_close(stream_device *device);

/* An operator: counted, then recorded, carried out or left to the thread. */
odeon_status stream_launch(odeon_queue *queue, stream_run *run, const void *arguments,
                           size_t bytes);
/* The same, not counted. */
odeon_status stream_ask(odeon_queue *queue, stream_run *run, const void *arguments, size_t bytes);

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

/* The slots of odeon_device_ops that are no operators; stream.c. self is a stream_device. */
odeon_status stream_probe(void *device);
odeon_status stream_describe(void *device, char *text, uint64_t bytes);
odeon_status stream_queue_create(void *device, int32_t worker, odeon_queue **out);
void stream_queue_destroy(odeon_queue *queue);
odeon_status stream_alloc(void *device, uint64_t bytes, void **out);
void stream_free(void *device, void *memory);
odeon_status stream_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status stream_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes);
odeon_status stream_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values);
odeon_status stream_wait(odeon_queue *queue);
uint64_t stream_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                               const odeon_tensor *w);
const void *stream_extension(void *device, const char *id);

#endif
