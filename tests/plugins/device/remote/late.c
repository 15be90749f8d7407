#define _GNU_SOURCE /* nanosleep, sched_yield */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "stream.h"

/* Now and then a little, so that whoever does not wait is ahead by any number of calls: often at
 * first, when everything is called for the first time, and seldom in the thousands of calls that
 * repeat it. */
static void linger(stream *s)
{
    enum { FIRST = 4096, OFTEN = 32, SELDOM = 512 };
    uint64_t every = s->done < FIRST ? OFTEN : SELDOM;
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t bits = s->random >> 33;
    if (bits % every == 0) {
        const struct timespec delay = {.tv_nsec = (long)(bits / every % 100000)};
        (void)nanosleep(&delay, NULL);
    } else if (bits % 4 == 1) {
        (void)sched_yield();
    }
}

/* Until so many calls are done. Whoever waits says for what, so that the thread wakes nobody after
 * each of a thousand calls: that took most of the time of these tests. s->lock is held. */
static void wait_for(stream *s, uint64_t calls)
{
    while (s->done < calls) {
        s->awaited = calls < s->awaited ? calls : s->awaited;
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
}

/* The lock is not held while a call is carried out: its place is not written until it is done. */
static void *carry(void *argument)
{
    stream *s = argument;
    (void)pthread_setspecific(s->device->carrier, s);
    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->done == s->asked && !s->closing) {
            s->is_idle = 1;
            (void)pthread_cond_wait(&s->more, &s->lock);
        }
        s->is_idle = 0;
        if (s->done == s->asked) {
            break;
        }
        const stream_call *call = &s->calls[s->done % STREAM_CALLS];
        odeon_status status = s->status;
        (void)pthread_mutex_unlock(&s->lock);
        if (status == ODEON_OK) {
            linger(s);
            status = call->run(s, call->arguments);
        }
        (void)pthread_mutex_lock(&s->lock);
        s->status = status;
        s->done++;
        if (s->done >= s->awaited) {
            s->awaited = UINT64_MAX;
            (void)pthread_cond_broadcast(&s->changed);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void finish_signals(stream *s)
{
    (void)pthread_cond_destroy(&s->more);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
}

odeon_status stream_late_start(stream *s)
{
    const odeon_host *host = s->device->host;
    uint64_t bytes = STREAM_CALLS * sizeof *s->calls;
    s->calls = host->alloc(host, bytes);
    if (s->calls == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: no memory for %llu bytes",
                          (unsigned long long)bytes);
    }
    s->awaited = UINT64_MAX;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    (void)pthread_cond_init(&s->more, NULL);
    if (pthread_create(&s->thread, NULL, carry, s) == 0) {
        return ODEON_OK;
    }
    finish_signals(s);
    host->free(host, s->calls);
    return odeon_fail(host, ODEON_ERR_NOMEM, "remote: the system has no thread left for a queue");
}

void stream_late_finish(stream *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->closing = 1;
    (void)pthread_cond_signal(&s->more);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    finish_signals(s);
    s->device->host->free(s->device->host, s->calls);
}

odeon_status stream_late_ask(stream *s, stream_run *run, const void *arguments, size_t bytes)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->asked - s->done == STREAM_CALLS) {
        wait_for(s, s->asked - STREAM_CALLS / 2);
    }
    stream_call *call = &s->calls[s->asked % STREAM_CALLS];
    call->run = run;
    memcpy(call->arguments, arguments, bytes);
    s->asked++;
    if (s->is_idle) {
        s->is_idle = 0;
        (void)pthread_cond_signal(&s->more);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return ODEON_OK;
}

/* What was asked for by now; what another thread goes on to ask for is its own affair. */
void stream_drain(stream *s)
{
    if (s->device->late) {
        (void)pthread_mutex_lock(&s->lock);
        wait_for(s, s->asked);
        (void)pthread_mutex_unlock(&s->lock);
    }
}

odeon_status stream_late_settle(stream *s)
{
    stream_drain(s);
    (void)pthread_mutex_lock(&s->lock);
    odeon_status status = s->status;
    (void)pthread_mutex_unlock(&s->lock);
    return status == ODEON_OK ? ODEON_OK
                              : s->device->host->fail(s->device->host, status, s->message);
}
