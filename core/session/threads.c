/* A team: threads that wait for jobs, so that a batch costs two wake-ups and not as many creations
 * of threads as it has workers. One lock guards all fields of team; it is free while a job runs.
 * Jobs often follow each other at once, and members end together: so whoever waits looks at round
 * or running for a moment, without the lock, before it sleeps.
 *
 * The round counts jobs. A member that wakes for any reason compares it with the last one that it
 * has done, which makes spurious wake-ups harmless; and a team_run cannot begin before the one
 * before has seen all members leave, since it waits for running to be 0. */
#include "session/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/spin.h"
#include "plugin/crash.h"

typedef struct member {
    team *team;
    int32_t rank, reserved0;
    pthread_t thread;
} member;

/* Outside of team_run, running is 0 and every member waits on begin or is about to. Members 1 ..
 * n_threads have a thread: all but rank 0, unless a creation has failed. */
struct team {
    int32_t size;
    atomic_int running; /* members at work beside rank 0 */
    atomic_uint_fast64_t round;
    bool stopping;
    team_job job;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    int32_t n_threads; /* started */
    member *members;
};

static void spin_until_round(team *t, uint64_t done)
{
    spin x = {0};
    while (atomic_load(&t->round) == done && spin_on(&x)) {
    }
}

static void spin_until_end(team *t)
{
    spin x = {0};
    while (atomic_load(&t->running) > 0 && spin_on(&x)) {
    }
}

/* A round is a job for all members. A member knows by its count which rounds it has done, so
 * that no wake-up is lost or taken twice. */
static void *member_main(void *argument)
{
    member *m = argument;
    team *t = m->team;
    uint64_t done = 0;
    crash_thread_begin();
    for (;;) {
        spin_until_round(t, done);
        (void)pthread_mutex_lock(&t->lock);
        while (t->round == done && !t->stopping) {
            (void)pthread_cond_wait(&t->begin, &t->lock);
        }
        if (t->stopping) {
            break;
        }
        done = t->round;
        (void)pthread_mutex_unlock(&t->lock);
        t->job(t->context, m->rank);
        (void)pthread_mutex_lock(&t->lock);
        if (--t->running == 0) {
            (void)pthread_cond_signal(&t->end);
        }
        (void)pthread_mutex_unlock(&t->lock);
    }
    (void)pthread_mutex_unlock(&t->lock);
    crash_thread_end();
    return NULL;
}

/* Signals are the main thread's business. */
static int start_thread(member *m)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&m->thread, NULL, member_main, m);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Rank 0 is whoever calls team_run, so that a team of one has no thread at all. */
odeon_status team_create(int32_t size, team **out)
{
    *out = NULL;
    team *t = mem_zalloc(1, sizeof *t);
    member *members = mem_zalloc((size_t)size, sizeof *members);
    if (t == NULL || members == NULL) {
        mem_free(t);
        mem_free(members);
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
    t->size = size;
    t->members = members;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->begin, NULL);
    (void)pthread_cond_init(&t->end, NULL);
    for (int32_t rank = 1; rank < size; rank++) {
        members[rank] = (member){.team = t, .rank = rank};
        int error = start_thread(&members[rank]);
        if (error != 0) {
            team_destroy(t);
            return diag_fail(ODEON_ERR_NOMEM,
                             "worker %d cannot be started: %s; set run.workers lower", (int)rank,
                             strerror(error));
        }
        t->n_threads++;
    }
    *out = t;
    return ODEON_OK;
}

/* Also of a team of which only some threads could be started. */
void team_destroy(team *t)
{
    if (t == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&t->lock);
    t->stopping = true;
    (void)pthread_cond_broadcast(&t->begin);
    (void)pthread_mutex_unlock(&t->lock);
    for (int32_t rank = 1; rank <= t->n_threads; rank++) {
        (void)pthread_join(t->members[rank].thread, NULL);
    }
    (void)pthread_cond_destroy(&t->begin);
    (void)pthread_cond_destroy(&t->end);
    (void)pthread_mutex_destroy(&t->lock);
    mem_free(t->members);
    mem_free(t);
}

/* The caller does rank 0's part between waking the others and waiting for them. job and context are
 * written under the lock and read after it was taken, so that members see them. */
void team_run(team *t, team_job job, void *context)
{
    if (t->size > 1) {
        (void)pthread_mutex_lock(&t->lock);
        t->job = job;
        t->context = context;
        t->running = t->size - 1;
        t->round++;
        (void)pthread_cond_broadcast(&t->begin);
        (void)pthread_mutex_unlock(&t->lock);
    }
    job(context, 0);
    if (t->size > 1) {
        spin_until_end(t);
        (void)pthread_mutex_lock(&t->lock);
        while (t->running > 0) {
            (void)pthread_cond_wait(&t->end, &t->lock);
        }
        (void)pthread_mutex_unlock(&t->lock);
    }
}
