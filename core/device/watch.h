/* watch.h: sees every operator that is called on a device: what it was, how often, how long.
 *
 * While it watches, the families of the device are tables of its own, whose operators note the call
 * in the log of the calling thread and pass it on. The device computes what it would without, but
 * that batches are not cut into slices (ODEON_DEVICE_SLICES), whose operators are not the
 * families'. */
#ifndef ODEON_CORE_DEVICE_WATCH_H
#define ODEON_CORE_DEVICE_WATCH_H
#include <stdbool.h>

#include "base/name_index.h"
#include "base/text.h"
#include "device/operators.h"

/* Calls of one operator with the same shapes. */
typedef struct watched_call {
    const operator_info *op;
    char *text; /* operator_text */
    int64_t calls;
    double seconds;           /* of all of them; 0 unless timed */
    double operations, bytes; /* of all of them */
} watched_call;

/* What one thread has called. Starts as {0}. */
typedef struct watch_log {
    bool timed; /* each call is waited for, and its time is taken */
    size_t n;
    watched_call *calls;
    name_index by_text;
    text_buffer text;
} watch_log;

void watch_log_clear(watch_log *log); /* counts and times are 0 again; the calls stay listed */
void watch_log_fini(watch_log *log);

typedef struct device_watch device_watch;
/* Of a device that the caller owns and that outlives it. ODEON_ERR_NOMEM. [main] */
odeon_status device_watch_create(odeon_device *device, device_watch **out);
void device_watch_destroy(device_watch *w); /* NULL is allowed; not while it is on */
/* No operator is under way. [main] */
void device_watch_on(device_watch *w);
void device_watch_off(device_watch *w);
/* Calls of this thread go to log until this is called with NULL. A thread without a log gets
 * ODEON_ERR_INTERNAL from every operator. [worker] */
void device_watch_thread(const device_watch *w, watch_log *log);

#endif
