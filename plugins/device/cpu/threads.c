#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "threads.h"

#include "least.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* Looks at a number that another thread is about to change, before it sleeps: operators follow one
 * another within microseconds. */
enum { LOOKS = 4000 };

typedef struct helper {
    cpu_threads *all;
    pthread_t thread;
    int32_t number, reserved0; /* its part: 1, 2, ... */
} helper;

/* Whoever holds the lock changes run, left and closing; they are atomic because threads look at
 * them without it first. A run is over when left is 0; what is to be done stays until then. */
struct cpu_threads {
    const odeon_host *host;
    int32_t count, started; /* helpers wanted and one more; helpers that run */
    pthread_mutex_t lock;
    pthread_cond_t begun, over;
    _Atomic int64_t run; /* number of the last run */
    _Atomic int32_t left, closing;
    cpu_threads_part *part;
    void *arg;
    int32_t parts, reserved0;
    helper helpers[];
};

static void rest_a_moment(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Returns when there is a run after `last`, or none will follow. */
static int64_t next_run(cpu_threads *t, int64_t last)
{
    for (int i = 0; i < LOOKS && t->run == last && !t->closing; i++) {
        rest_a_moment();
    }
    (void)pthread_mutex_lock(&t->lock);
    while (t->run == last && !t->closing) {
        (void)pthread_cond_wait(&t->begun, &t->lock);
    }
    int64_t run = t->run;
    (void)pthread_mutex_unlock(&t->lock);
    return run;
}

static void *help(void *argument)
{
    helper *h = argument;
    cpu_threads *t = h->all;
    for (int64_t last = next_run(t, 0); !t->closing; last = next_run(t, last)) {
        if (h->number < t->parts) {
            t->part(t->arg, h->number, t->parts);
        }
        (void)pthread_mutex_lock(&t->lock);
        if (--t->left == 0) {
            (void)pthread_cond_signal(&t->over);
        }
        (void)pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

void cpu_threads_run(cpu_threads *t, int32_t parts, cpu_threads_part *part, void *arg)
{
    if (t == NULL || parts <= 1) {
        part(arg, 0, 1);
        return;
    }
    (void)pthread_mutex_lock(&t->lock);
    t->part = part;
    t->arg = arg;
    t->parts = parts;
    t->left = t->started;
    t->run++;
    (void)pthread_cond_broadcast(&t->begun);
    (void)pthread_mutex_unlock(&t->lock);
    part(arg, 0, parts);
    for (int i = 0; i < LOOKS && t->left > 0; i++) {
        rest_a_moment();
    }
    (void)pthread_mutex_lock(&t->lock);
    while (t->left > 0) {
        (void)pthread_cond_wait(&t->over, &t->lock);
    }
    (void)pthread_mutex_unlock(&t->lock);
}

int32_t cpu_threads_count(const cpu_threads *t)
{
    return t != NULL ? t->count : 1;
}

/* Fewer numbers are done sooner than another thread has begun. */
int32_t cpu_threads_parts(const cpu_threads *t, int64_t count)
{
    enum { FEWEST = 16384 };
    return (int32_t)most(1, least(cpu_threads_count(t), count / FEWEST));
}

/* Parts begin at whole lines. */
cpu_range cpu_threads_range(int64_t count, int32_t part, int32_t parts)
{
    enum { LINE = 16 };
    int64_t lines = count / LINE, first = lines * part / parts * LINE;
    int64_t end = part + 1 == parts ? count : lines * (part + 1) / parts * LINE;
    return (cpu_range){first, end - first};
}

void cpu_threads_destroy(cpu_threads *t)
{
    if (t == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&t->lock);
    t->closing = 1;
    (void)pthread_cond_broadcast(&t->begun);
    (void)pthread_mutex_unlock(&t->lock);
    for (int32_t i = 0; i < t->started; i++) {
        (void)pthread_join(t->helpers[i].thread, NULL);
    }
    (void)pthread_cond_destroy(&t->over);
    (void)pthread_cond_destroy(&t->begun);
    (void)pthread_mutex_destroy(&t->lock);
    t->host->free(t->host, t);
}

/* Signals are the host's threads' business. */
static odeon_status start(cpu_threads *t)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    while (!failed && t->started < t->count - 1) {
        helper *h = &t->helpers[t->started];
        *h = (helper){.all = t, .number = t->started + 1};
        failed = pthread_create(&h->thread, NULL, help, h) != 0;
        t->started += !failed;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed
               ? odeon_fail(t->host, ODEON_ERR_NOMEM,
                            "cpu: threads = %d, but the system starts no more than %d; set fewer",
                            (int)t->count, (int)t->started + 1)
               : ODEON_OK;
}

/* Without a lock or a condition nothing has been started. */
static int prepare(cpu_threads *t)
{
    if (pthread_mutex_init(&t->lock, NULL) != 0) {
        return 0;
    }
    if (pthread_cond_init(&t->begun, NULL) != 0) {
        (void)pthread_mutex_destroy(&t->lock);
        return 0;
    }
    if (pthread_cond_init(&t->over, NULL) != 0) {
        (void)pthread_cond_destroy(&t->begun);
        (void)pthread_mutex_destroy(&t->lock);
        return 0;
    }
    return 1;
}

odeon_status cpu_threads_create(const odeon_host *host, int32_t n, cpu_threads **out)
{
    *out = NULL;
    cpu_threads *t = host->alloc(host, sizeof *t + (size_t)(n - 1) * sizeof *t->helpers);
    if (t == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "cpu: no memory for %d threads", (int)n);
    }
    t->host = host;
    t->count = n;
    t->started = 0;
    atomic_init(&t->run, 0);
    atomic_init(&t->left, 0);
    atomic_init(&t->closing, 0);
    if (!prepare(t)) {
        host->free(host, t);
        return odeon_fail(host, ODEON_ERR_NOMEM, "cpu: the system has no lock left for threads");
    }
    odeon_status status = start(t);
    if (status != ODEON_OK) {
        cpu_threads_destroy(t);
        return status;
    }
    *out = t;
    return ODEON_OK;
}
