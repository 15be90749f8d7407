#include "data/prefetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "plugin/crash.h"

/* lock guards busy and stopping and orders everything else: what stands below them is written by
 * one side at a time, which busy names. */
struct prefetch {
    const odeon_device *device;
    odeon_queue *queue;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool busy, stopping;
    /* What is read, or was; the thread's while busy, else the caller's. */
    const data_source *source; /* NULL: nothing */
    int64_t n, room;           /* indices; that there is room for */
    int64_t *indices;
    staging *to;
    odeon_status status;
    char message[DIAG_MESSAGE_BYTES];
};

/* to is of pinned memory, so staging_upload waits for the copies: the samples are on the device
 * once the thread is done. */
static odeon_status read_samples(const prefetch *r)
{
    ODEON_TRY(staging_read(r->to, r->source, r->n, r->indices));
    return staging_upload(r->to, r->queue, data_source_fields(r->source), r->n);
}

/* busy says whose the request is: the caller hands it over by setting it, the thread hands it back.
 * Failures stay with the request: this thread's message is copied for whoever takes it. The lock is
 * not held while samples are read. */
static void *prefetch_main(void *argument)
{
    prefetch *r = argument;
    crash_thread_begin();
    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->busy && !r->stopping) {
            (void)pthread_cond_wait(&r->changed, &r->lock);
        }
        if (!r->busy) {
            break;
        }
        (void)pthread_mutex_unlock(&r->lock);
        diag_clear();
        r->status = read_samples(r);
        (void)snprintf(r->message, sizeof r->message, "%s", diag_message());
        (void)pthread_mutex_lock(&r->lock);
        r->busy = false;
        (void)pthread_cond_signal(&r->changed);
    }
    (void)pthread_mutex_unlock(&r->lock);
    crash_thread_end();
    return NULL;
}

/* Signals are the main thread's business. Blocked before the thread is made, as it inherits the
 * mask; the caller's is put back. Lock and condition exist only together with the thread. */
static odeon_status start_thread(prefetch *r)
{
    sigset_t all, before;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&r->thread, NULL, prefetch_main, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        return ODEON_OK;
    }
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    return diag_fail(ODEON_ERR_NOMEM, "data: a thread to read ahead cannot be started: %s",
                     strerror(error));
}

/* queue_destroy takes NULL, so that a queue that could not be made needs no case of its own. */
odeon_status prefetch_create(const odeon_device *device, int32_t rank, prefetch **out)
{
    *out = NULL;
    prefetch *r = mem_zalloc(1, sizeof *r);
    if (r == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory");
    }
    r->device = device;
    odeon_status status = device_queue_create(device, rank, &r->queue);
    if (status == ODEON_OK) {
        status = start_thread(r);
    }
    if (status != ODEON_OK) {
        device_queue_destroy(device, r->queue);
        mem_free(r);
        return status;
    }
    *out = r;
    return ODEON_OK;
}

/* A request that is under way is finished first: the thread looks at stopping only between two. Its
 * queue is destroyed when nobody uses it any more. */
void prefetch_destroy(prefetch *r)
{
    if (r == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->stopping = true;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    device_queue_destroy(r->device, r->queue);
    mem_free(r->indices);
    mem_free(r);
}

/* The indices are copied, since the caller's may change while the batch before is worked on. */
odeon_status prefetch_begin(prefetch *r, const data_source *source, int64_t n,
                            const int64_t *indices, staging *to)
{
    r->source = NULL;
    if (n > r->room) {
        mem_free(r->indices);
        r->indices = mem_zalloc((size_t)n, sizeof *r->indices);
        r->room = r->indices != NULL ? n : 0;
        if (r->indices == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "data: no memory for %lld indices", (long long)n);
        }
    }
    memcpy(r->indices, indices, (size_t)n * sizeof *indices);
    r->source = source;
    r->n = n;
    r->to = to;
    (void)pthread_mutex_lock(&r->lock);
    r->busy = true;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    return ODEON_OK;
}

/* Once busy is false under the lock, everything that the thread wrote is visible here. */
void prefetch_end(prefetch *r)
{
    (void)pthread_mutex_lock(&r->lock);
    while (r->busy) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* What was read for a batch that is not asked for is dropped: guessing wrong costs time, never
 * correctness. No lock is needed, since nothing is under way. */
bool prefetch_take(prefetch *r, const data_source *source, int64_t n, const int64_t *indices,
                   odeon_status *status)
{
    bool same = r->source == source && r->n == n &&
                memcmp(r->indices, indices, (size_t)n * sizeof *indices) == 0;
    if (!same) {
        return false;
    }
    r->source = NULL;
    *status = r->status;
    if (r->status != ODEON_OK) {
        diag_adopt(r->message);
    }
    return true;
}
