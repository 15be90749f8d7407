#include "device/capture_cache.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "odeon/device_ext.h"

/* Life of a key: NEW has never run, RUN has run plainly and may be recorded, RECORDED can be
 * replayed, REFUSED always runs plainly. */
enum { STATE_NEW = 0, STATE_RUN = 1, STATE_RECORDED = 2, STATE_REFUSED = 3 };

/* Invariant: list[0 .. n-1] have a key each. A recording exists only in STATE_RECORDED (or while
 * one is being made), and all recordings were made at the same count of device allocations. */
struct capture_cache {
    const device_lane *lane;
    const odeon_device_capture *capture;
    const odeon_device_counters *counters;
    int64_t allocs; /* allocations the device had counted when the recordings were made */
    int64_t asked;  /* queries so far; a logical clock for least-recently-used eviction */
    bool forgotten; /* drop all recordings at the next query */
    bool warned;    /* that calls are made one by one */
    size_t n;
    recorded list[CAPTURE_CACHE_KEYS];
};

/* The extensions are asked for once; whether they may be used is asked at every query, as the group
 * may come later. */
odeon_status capture_cache_create(const device_lane *lane, capture_cache **out)
{
    *out = NULL;
    capture_cache *r = mem_zalloc(1, sizeof *r);
    if (r == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "recordings: no memory");
    }
    const odeon_device *device = lane->device;
    r->lane = lane;
    r->capture = device->get_table(device, ODEON_DEVICE_CAPTURE);
    r->counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    *out = r;
    return ODEON_OK;
}

/* Frees the recording and its notes; the key itself stays in the cache. */
static void drop(const capture_cache *r, recorded *x)
{
    if (x->recording != NULL) {
        r->capture->destroy(x->recording);
        x->recording = NULL;
    }
    mem_free(x->notes);
    x->notes = NULL;
}

/* Recorded keys go back to NEW rather than RUN: memory may have moved, so each runs plainly once
 * before it is recorded again. */
static void drop_all(capture_cache *r)
{
    for (size_t i = 0; i < r->n; i++) {
        recorded *x = &r->list[i];
        drop(r, x);
        x->state = x->state == STATE_RECORDED ? STATE_NEW : x->state;
    }
    r->forgotten = false;
}

void capture_cache_destroy(capture_cache *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n; i++) {
        drop(r, &r->list[i]);
        mem_free(r->list[i].key);
    }
    mem_free(r);
}

/* Several workers exchange values on the host in the middle of a solve, which a recording cannot
 * contain. Counters are needed to notice allocations. */
const odeon_device_capture *capture_cache_capture(const capture_cache *r)
{
    bool alone = r->lane->group->abi.size == 1;
    return r->lane->capture && alone && r->counters != NULL ? r->capture : NULL;
}

/* Of all queues of the device: another worker's allocation counts as well, which costs a recording
 * and never a wrong one. */
static int64_t count_allocs(const capture_cache *r)
{
    int64_t launches, waits, allocs, live_bytes;
    r->counters->read(r->lane->device->handle, &launches, &waits, &allocs, &live_bytes);
    return allocs;
}

/* A linear search: there are at most CAPTURE_CACHE_KEYS keys. */
static recorded *find(capture_cache *r, const void *key, size_t bytes)
{
    for (size_t i = 0; i < r->n; i++) {
        recorded *x = &r->list[i];
        if (x->key_bytes == bytes && memcmp(x->key, key, bytes) == 0) {
            return x;
        }
    }
    return NULL;
}

/* Returns the entry for a new key, or NULL if all are in recent use. Only idle entries are evicted:
 * with plain LRU, more keys in rotation than entries would evict each other before any is ever
 * replayed. */
static recorded *evict_idle(capture_cache *r)
{
    recorded *oldest = NULL;
    if (r->n < CAPTURE_CACHE_KEYS) {
        return &r->list[r->n++];
    }
    for (size_t i = 0; i < r->n; i++) {
        recorded *x = &r->list[i];
        bool is_idle = r->asked - x->asked > CAPTURE_CACHE_PATIENCE;
        if (is_idle && (oldest == NULL || x->asked < oldest->asked)) {
            oldest = x;
        }
    }
    if (oldest != NULL) {
        drop(r, oldest);
        mem_free(oldest->key);
        *oldest = (recorded){.key = NULL};
    }
    return oldest;
}

/* The key is copied before an entry is evicted, so that a lack of memory leaves the cache as it
 * was. */
static recorded *add(capture_cache *r, const void *key, size_t bytes)
{
    void *copy = mem_alloc(bytes);
    recorded *x = copy != NULL ? evict_idle(r) : NULL;
    if (x == NULL) {
        mem_free(copy);
        return NULL;
    }
    memcpy(copy, key, bytes);
    *x = (recorded){.key = copy, .key_bytes = bytes};
    return x;
}

/* Any allocation on the device since the last recordings invalidates them, whoever made it. */
int32_t capture_cache_ask(capture_cache *r, const void *key, size_t bytes, recorded **out)
{
    *out = NULL;
    if (capture_cache_capture(r) == NULL) {
        return CAPTURE_CACHE_RUN;
    }
    int64_t allocs = count_allocs(r);
    if (r->forgotten || allocs != r->allocs) {
        drop_all(r);
        r->allocs = allocs;
    }
    r->asked++;
    recorded *x = find(r, key, bytes);
    *out = x != NULL ? x : add(r, key, bytes);
    if (*out == NULL) {
        return CAPTURE_CACHE_RUN;
    }
    (*out)->asked = r->asked;
    switch ((*out)->state) {
    case STATE_RECORDED:
        return CAPTURE_CACHE_REPLAY;
    case STATE_RUN:
        return CAPTURE_CACHE_TAKE;
    case STATE_NEW:
        (*out)->state = STATE_RUN;
        return CAPTURE_CACHE_RUN;
    default:
        return CAPTURE_CACHE_RUN;
    }
}

/* Without this line nobody would know why a run is slow. Once for all keys of an owner: they are
 * refused for the same reasons. */
static void warn(capture_cache *r, const char *reason)
{
    if (!r->warned) {
        diag_log(ODEON_LOG_WARNING,
                 "solves cannot be recorded on the device, so their calls are made one by one, "
                 "which is slower: %s",
                 reason);
    }
    r->warned = true;
}

/* The state stays when recordings are dropped, so the key is never tried again. */
void capture_cache_decline(capture_cache *r, recorded *x, const char *reason)
{
    if (x != NULL) {
        x->state = STATE_REFUSED;
        warn(r, reason);
    }
}

/* begun tells capture_cache_end whether there is a capture to be ended. */
odeon_status capture_cache_begin(capture_cache *r, recorded *x)
{
    odeon_status status = r->capture->begin(r->lane->queue);
    x->begun = status == ODEON_OK;
    return status;
}

/* Abandons a failed recording. Nothing recorded has taken effect yet, so nothing needs undoing. */
static odeon_status discard(capture_cache *r, recorded *x, odeon_status status)
{
    drop(r, x);
    x->attempts++;
    x->state = x->attempts < CAPTURE_CACHE_ATTEMPTS ? STATE_RUN : STATE_REFUSED;
    if (x->state == STATE_REFUSED) {
        warn(r, diag_message());
    }
    diag_clear();
    worker_group_resolve(r->lane->group);
    return status;
}

/* Capture is ended even after a failure in between, or the queue would stay in capture mode. The
 * first failure is the one returned. */
odeon_status capture_cache_end(capture_cache *r, recorded *x, odeon_status status)
{
    if (x->begun) {
        odeon_status ended = r->capture->end(r->lane->queue, &x->recording);
        status = status != ODEON_OK ? status : ended;
        x->begun = false;
    }
    if (status != ODEON_OK) {
        return discard(r, x, status);
    }
    x->state = STATE_RECORDED;
    return ODEON_OK;
}

/* One launch in place of all calls that were recorded; it is as asynchronous as they were. */
odeon_status capture_cache_replay(const capture_cache *r, const recorded *x)
{
    return r->capture->replay(r->lane->queue, x->recording);
}

/* The recordings go at the next query, where those that an allocation has made invalid go, too. */
void capture_cache_forget(capture_cache *r)
{
    if (r != NULL) {
        r->forgotten = true;
    }
}
