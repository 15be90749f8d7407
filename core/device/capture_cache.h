/* capture_cache.h: recordings (ODEON_DEVICE_CAPTURE) of one owner's device calls on one worker,
 * cached by key.
 *
 * A key holds all that the recorded calls depend on except the contents of device memory:
 * addresses, sizes, numbers passed by value. Keys are compared byte by byte, so the padding of a
 * structure must be zero. The owner queries a key and acts on the result:
 *
 *   RUN     Make the calls plainly. The first use of every key is such a run, in which buffers
 *           grow to their final size and libraries create their handles.
 *   TAKE    Record: capture_cache_begin, the same calls (which do not execute now), then
 *           capture_cache_end. On success call capture_cache_replay; on failure restore the
 *           owner's own state and make the calls plainly.
 *   REPLAY  Call capture_cache_replay and set the owner's own state to what the calls would leave.
 *
 * A recording refers to device memory by address, so all recordings are dropped after any
 * allocation on the device. A run in its steady state allocates nothing and keeps them. A key whose
 * recording was dropped runs plainly once before it is recorded again. */
#ifndef ODEON_CORE_DEVICE_CAPTURE_CACHE_H
#define ODEON_CORE_DEVICE_CAPTURE_CACHE_H
#include <stdbool.h>
#include <stddef.h>

#include "device/lane.h"
#include "odeon/device_ext.h"

enum { CAPTURE_CACHE_RUN = 0, CAPTURE_CACHE_TAKE = 1, CAPTURE_CACHE_REPLAY = 2 };

enum {
    CAPTURE_CACHE_KEYS = 8,      /* capacity; the least recently used key is evicted, */
    CAPTURE_CACHE_PATIENCE = 64, /* but only after this many queries since its last use */
    CAPTURE_CACHE_ATTEMPTS = 2   /* failed recordings after which a key always runs plainly */
};

typedef struct capture_cache capture_cache; /* belongs to one owner on one worker */

/* One cached key and its recording, if there is one. */
typedef struct recorded {
    void *notes; /* the owner's data, one block of mem.h or NULL; freed with the recording */
    void *key;
    size_t key_bytes;
    odeon_recording *recording;
    int64_t asked;                     /* number of the query that last used it */
    int32_t state, attempts, reserved; /* private to capture_cache.c */
    bool begun;
} recorded;

/* Calls nothing on the device. lane must outlive the cache; its group may be set later. */
odeon_status capture_cache_create(const device_lane *lane, capture_cache **out);
/* call before the queue is destroyed; NULL is allowed */
void capture_cache_destroy(capture_cache *r);

/* The device's capture extension, or NULL where the device has none, the run disabled it, or
 * several workers exchange values on the host; every query then returns RUN. */
const odeon_device_capture *capture_cache_capture(const capture_cache *r);

/* Queries a key. *out stays valid until the next query; it is NULL with RUN if the cache has no
 * entry for the key. */
int32_t capture_cache_ask(capture_cache *r, const void *key, size_t bytes, recorded **out);
/* After RUN: never record this key, as its calls are too many or there is no memory for them;
 * reason stands in the warning. x may be NULL. */
void capture_cache_decline(capture_cache *r, recorded *x, const char *reason);

/* Record the calls made in between. Pass the status of begin and of those calls to
 * capture_cache_end, which ends the capture also after a failure. On failure the status is returned
 * without a message, and nothing has been executed. */
odeon_status capture_cache_begin(capture_cache *r, recorded *x);
odeon_status capture_cache_end(capture_cache *r, recorded *x, odeon_status status);

odeon_status capture_cache_replay(const capture_cache *r, const recorded *x);

/* Drops all recordings at the next query: the owner has freed memory that they refer to. NULL is
 * allowed. */
void capture_cache_forget(capture_cache *r);

#endif
