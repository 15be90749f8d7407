/* capture_cache.h: what a device has recorded (ODEON_DEVICE_CAPTURE) of one owner's calls on one
 * worker, found again by key.
 *
 * A key is all that the calls to be recorded depend on, but for what lies in device memory:
 * addresses, sizes, numbers passed by value. It is compared byte by byte, so gaps in a structure
 * have to be zero. The owner asks, and does what the answer says:
 *
 *   RUN     Makes the calls plainly. So is every key run at first: memory grows as far as it will,
 *           libraries make their handles.
 *   TAKE    capture_cache_begin, the same calls, which now do nothing, and capture_cache_end. If
 * all went well capture_cache_replay; else puts its own state back and makes the calls plainly.
 *   REPLAY  capture_cache_replay, and brings its own state to where the calls would have left it.
 *
 * A recording refers to device memory by address, so all are dropped once anybody has allocated on
 * the device, whatever it was: a run that has settled never loses one. A key whose recording was
 * dropped is run plainly again first. */
#ifndef ODEON_CORE_DEVICE_CAPTURE_CACHE_H
#define ODEON_CORE_DEVICE_CAPTURE_CACHE_H
#include <stdbool.h>
#include <stddef.h>

#include "device/lane.h"

enum { CAPTURE_CACHE_RUN = 0, CAPTURE_CACHE_TAKE = 1, CAPTURE_CACHE_REPLAY = 2 };

enum {
    CAPTURE_CACHE_KEYS = 8, /* that are remembered; the one not asked for longest makes room, */
    CAPTURE_CACHE_PATIENCE = 64, /* but not before so many questions came after its own */
    CAPTURE_CACHE_ATTEMPTS = 2   /* to record a key; then it is always run plainly */
};

typedef struct capture_cache capture_cache; /* one owner's, on one worker */

/* One key. */
typedef struct recorded {
    void *notes; /* the owner's: one block of mem.h, or NULL; freed with the recording */
    void *key;
    size_t key_bytes;
    odeon_recording *recording;
    int64_t asked;                     /* the question that it was last asked by */
    int32_t state, attempts, reserved; /* of recordings.c */
    bool begun;
} recorded;

/* Makes no call of the device. lane outlives it; its group may still be missing. */
odeon_status capture_cache_create(const device_lane *lane, capture_cache **out);
void capture_cache_destroy(capture_cache *r); /* before the queue; NULL is allowed */

/* What records here: NULL where the device cannot, where the run does not want it or where several
 * workers meet on the host; every question is then answered with RUN. */
const odeon_device_capture *capture_cache_capture(const capture_cache *r);

/* *out is the key's as long as no other question is asked; NULL with RUN where none is kept of it.
 */
int32_t capture_cache_ask(capture_cache *r, const void *key, size_t bytes, recorded **out);
/* After RUN: the calls are too many, or otherwise not worth a recording. x may be NULL. */
void capture_cache_decline(recorded *x);

/* Status of the calls in between goes to capture_cache_end, which ends what begin began, also where
 * that failed. A failure in between or of the device is returned, without a message: nothing was
 * done. */
odeon_status capture_cache_begin(capture_cache *r, recorded *x);
odeon_status capture_cache_end(capture_cache *r, recorded *x, odeon_status status);

odeon_status capture_cache_replay(const capture_cache *r, const recorded *x);

/* The owner has given device memory up that its recordings refer to. NULL is allowed. */
void capture_cache_forget(capture_cache *r);

#endif
