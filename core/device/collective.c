#include "device/collective.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/collective_state.h"
#include "device/collective_wait.h"

/* A condition variable on the monotonic clock, so that changes of the system time neither end nor
 * prolong a wait. The attributes are only needed to create it. */
static odeon_status init_wake(collective *m)
{
    pthread_condattr_t by_clock;
    bool sound = pthread_condattr_init(&by_clock) == 0;
    if (sound) {
        sound = pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&m->wake, &by_clock) == 0;
        (void)pthread_condattr_destroy(&by_clock);
    }
    return sound ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "workers: no condition variable is left");
}

/* Everything is allocated here, so that no collective can fail for lack of memory. The message
 * names the option, which is where a size that is not allowed comes from. */
odeon_status collective_create(int32_t size, collective **out)
{
    *out = NULL;
    if (size < 1 || size > COLLECTIVE_MAX_WORKERS) {
        return diag_fail(ODEON_ERR_CONFIG, "run.workers = %d: allowed are 1 to %d", (int)size,
                         COLLECTIVE_MAX_WORKERS);
    }
    collective *m = mem_zalloc(1, sizeof *m);
    if (m == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
    m->size = size;
    m->groups = mem_zalloc((size_t)size, sizeof(worker_group *));
    m->offers[0] = mem_zalloc((size_t)size, sizeof *m->offers[0]);
    m->offers[1] = mem_zalloc((size_t)size, sizeof *m->offers[1]);
    odeon_status status = m->groups == NULL || m->offers[0] == NULL || m->offers[1] == NULL
                              ? diag_fail(ODEON_ERR_NOMEM, "workers: no memory")
                              : init_wake(m);
    if (status != ODEON_OK) {
        mem_free(m->groups);
        mem_free(m->offers[0]);
        mem_free(m->offers[1]);
        mem_free(m);
        return status;
    }
    (void)pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return ODEON_OK;
}

/* After all threads have left it for good: nothing here waits for them. */
void collective_destroy(collective *m)
{
    if (m != NULL) {
        (void)pthread_cond_destroy(&m->wake);
        (void)pthread_mutex_destroy(&m->lock);
        mem_free(m->groups);
        mem_free(m->offers[0]);
        mem_free(m->offers[1]);
        mem_free(m);
    }
}

/* Called while no job runs: threads that wait read all three. */
void collective_set_patience(collective *m, double seconds, collective_stuck stuck, void *context)
{
    m->patience = seconds;
    m->stuck = stuck;
    m->context = context;
}

/* ---- jobs ---- */

/* Resets the barrier. The counts of exchanges, which choose the offer buffer, differ after a job
 * that broke up and are made equal again. */
void collective_begin_job(collective *m)
{
    uint64_t calls = 0;
    for (int32_t i = 0; i < m->size; i++) {
        calls = m->groups[i]->calls > calls ? m->groups[i]->calls : calls;
    }
    for (int32_t i = 0; i < m->size; i++) {
        m->groups[i]->calls = calls;
        atomic_store(&m->groups[i]->waits_in, KIND_NONE);
        atomic_store(&m->groups[i]->is_done, false);
    }
    atomic_store(&m->arrived, 0);
    atomic_store(&m->done, 0);
    atomic_store(&m->is_broken, false);
}

/* is_done and done are raised before arrived is read, so that either this worker or the last one to
 * arrive notices a collective that cannot complete. */
void collective_end_job(worker_group *group)
{
    collective *m = group->collective;
    unsigned size = (unsigned)m->size;
    if (size == 1) {
        return;
    }
    atomic_store(&group->is_done, true);
    unsigned done = atomic_fetch_add(&m->done, 1) + 1;
    unsigned arrived = atomic_load(&m->arrived);
    if (arrived > 0 && arrived + done >= size) {
        collective_end_deadlock(m);
    }
    if (group->abi.rank == 0) {
        collective_await_done(group);
    } else if (done == size) {
        (void)pthread_mutex_lock(&m->lock);
        (void)pthread_cond_broadcast(&m->wake);
        (void)pthread_mutex_unlock(&m->lock);
    }
}
