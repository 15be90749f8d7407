#include "device/collective_wait.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/spin.h"
#include "device/caller.h"

/* The phases of a sum are one collective to whoever reads the message. */
const char *collective_kind_name(unsigned kind)
{
    static const char *const names[] = {
        [KIND_NONE] = "no collective", [KIND_SUM] = "sum",
        [KIND_SUM_LARGE] = "sum",      [KIND_SUM_DONE] = "sum",
        [KIND_SUM_COPIED] = "sum",     [KIND_SLOTS] = "reduce_slots",
        [KIND_AGREE] = "agree",        [KIND_END] = "the batch's end",
    };
    return names[kind];
}

/* Fails the job on all workers: records the reason and wakes every waiter. The first reason stands.
 * The caller holds m->lock. */
static void fail_job(collective *m, odeon_status verdict, const char *message)
{
    if (atomic_load(&m->is_broken)) {
        return;
    }
    m->verdict = verdict;
    (void)snprintf(m->message, sizeof m->message, "%s", message);
    atomic_store(&m->is_broken, true);
    (void)atomic_fetch_add(&m->generation, 1);
    (void)pthread_cond_broadcast(&m->wake);
}

/* The lowest-ranked worker that waits in a collective (or does not); NULL if there is none. */
static worker_group *first_that(const collective *m, bool waits)
{
    for (int32_t i = 0; i < m->size; i++) {
        if ((atomic_load(&m->groups[i]->waits_in) != KIND_NONE) == waits) {
            return m->groups[i];
        }
    }
    return NULL;
}

/* Called when every worker either waits in a collective or has finished its part. The collective
 * can then never complete, so the job fails at once instead of after a timeout. */
void collective_end_deadlock(collective *m)
{
    (void)pthread_mutex_lock(&m->lock);
    worker_group *waits = first_that(m, true), *gone = first_that(m, false);
    if (waits != NULL && gone != NULL) {
        char text[DIAG_MESSAGE_BYTES], where[300];
        calling caller = calling_read(&waits->board);
        (void)snprintf(
            text, sizeof text,
            "worker %d waits in %s, called in %s, for worker %d, which has done its part "
            "of the batch: a layer or solver calls a collective on some of the workers "
            "only",
            (int)waits->abi.rank, collective_kind_name(atomic_load(&waits->waits_in)),
            caller_text(&caller, where, sizeof where), (int)gone->abi.rank);
        fail_job(m, caller_fault(&caller, &caller), text);
    }
    (void)pthread_mutex_unlock(&m->lock);
}

/* The number of plugin calls entered or left by all workers. As long as it changes, somebody makes
 * progress. */
static unsigned long activity_of(const collective *m)
{
    unsigned long sum = 0;
    for (int32_t i = 0; i < m->size; i++) {
        sum += atomic_load_explicit(&m->groups[i]->board.changes, memory_order_relaxed);
    }
    return sum;
}

/* Composes the message of a timeout: who waits in which collective, and for which worker in which
 * call. A worker that is done is not the one that is waited for, so those that neither wait nor are
 * done are counted. Their boards are read while they run; what is said of them is how it was a
 * moment ago. */
static void describe_stuck(const collective *m, worker_group *waits, unsigned kind, char *text,
                           size_t bytes)
{
    char mine[300], other[300];
    const calling caller = calling_read(&waits->board);
    worker_group *late = NULL;
    int others = -1;
    for (int32_t i = 0; i < m->size; i++) {
        worker_group *g = m->groups[i];
        if (atomic_load(&g->waits_in) == KIND_NONE && !atomic_load(&g->is_done)) {
            late = late == NULL ? g : late;
            others++;
        }
    }
    calling late_in = late != NULL ? calling_read(&late->board) : (calling){.who = NULL};
    char more[40] = "";
    if (others > 0) {
        (void)snprintf(more, sizeof more, ", and for %d more", others);
    }
    (void)snprintf(
        text, bytes,
        "worker %d has waited %g seconds in %s (collective %llu, called in %s) for worker "
        "%d, which is in %s and does not come out of it%s; run.patience = SECONDS waits "
        "longer, 0 for ever",
        (int)waits->abi.rank, m->patience, collective_kind_name(kind),
        (unsigned long long)waits->calls, caller_text(&caller, mine, sizeof mine),
        late != NULL ? (int)late->abi.rank : -1, caller_text(&late_in, other, sizeof other), more);
}

/* How long a wait has seen no activity. Counted in turns of at most a second rather than by the
 * clock, so that a process that was suspended does not time out when it resumes. */
typedef struct idle {
    double seconds, turn;
    unsigned long activity;
} idle;

/* A turn is no longer than patience, so that a short patience is kept exactly. */
static idle idle_begin(const collective *m)
{
    return (idle){.turn = m->patience > 0.0 && m->patience < 1.0 ? m->patience : 1.0,
                  .activity = activity_of(m)};
}

/* Waits for one turn and returns true when patience has run out. Activity of any worker restarts
 * the count. The caller holds m->lock. */
static bool wait_turn(collective *m, idle *x)
{
    if (!(m->patience > 0.0)) {
        (void)pthread_cond_wait(&m->wake, &m->lock);
        return false;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(x->turn * 1e9);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    if (pthread_cond_timedwait(&m->wake, &m->lock, &until) != ETIMEDOUT) {
        return false;
    }
    unsigned long now = activity_of(m);
    x->seconds = now == x->activity ? x->seconds + x->turn : 0.0;
    x->activity = now;
    return x->seconds >= m->patience;
}

/* Reports the stuck worker through the callback, which may end the process, and fails the job. The
 * caller holds m->lock. */
static void report_stuck(collective *m, worker_group *group, unsigned kind)
{
    char text[DIAG_MESSAGE_BYTES];
    if (atomic_load(&m->is_broken)) {
        return;
    }
    describe_stuck(m, group, kind, text, sizeof text);
    if (m->stuck != NULL) {
        m->stuck(m->context, text);
    }
    fail_job(m, ODEON_ERR_PLUGIN, text);
}

/* The last worker to arrive opens the barrier. Nobody waits any more once generation changes, so
 * waits_in and arrived are reset before. False if the others gave up before it came. */
static bool open_barrier(collective *m, unsigned generation)
{
    for (int32_t i = 0; i < m->size; i++) {
        atomic_store_explicit(&m->groups[i]->waits_in, KIND_NONE, memory_order_relaxed);
    }
    atomic_store(&m->arrived, 0);
    (void)pthread_mutex_lock(&m->lock);
    bool whole = !atomic_load(&m->is_broken);
    atomic_store_explicit(&m->generation, generation + 1, memory_order_release);
    (void)pthread_cond_broadcast(&m->wake);
    (void)pthread_mutex_unlock(&m->lock);
    return whole;
}

/* Waits for generation to change without sleeping, since the other workers are usually microseconds
 * away. False if they did not come: one that is late by longer is better waited for asleep. */
static bool spin_until_open(const collective *m, unsigned generation)
{
    spin x = {0};
    while (atomic_load_explicit(&m->generation, memory_order_acquire) == generation) {
        if (!spin_on(&x)) {
            return false;
        }
    }
    return true;
}

/* Sleeps until generation changes, so that a descheduled worker can have the core. A worker that
 * was woken for nothing finds the same generation and waits on. */
static void sleep_until(worker_group *group, unsigned kind, unsigned generation)
{
    collective *m = group->collective;
    (void)pthread_mutex_lock(&m->lock);
    idle x = idle_begin(m);
    while (atomic_load(&m->generation) == generation) {
        if (wait_turn(m, &x)) {
            report_stuck(m, group, kind);
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
}

/* waits_in is set before arrived is raised, so that whoever sees the arrival also sees in what. The
 * generation is read first of all: afterwards the barrier may open at any time, and a change would
 * be missed. */
bool collective_barrier(worker_group *group, unsigned kind)
{
    collective *m = group->collective;
    unsigned generation = atomic_load(&m->generation);
    if (atomic_load(&m->is_broken)) {
        return false;
    }
    atomic_store(&group->waits_in, kind);
    unsigned arrived = atomic_fetch_add(&m->arrived, 1) + 1;
    if (arrived == (unsigned)m->size) {
        return open_barrier(m, generation);
    }
    if (arrived + atomic_load(&m->done) >= (unsigned)m->size) {
        collective_end_deadlock(m);
    }
    if (!spin_until_open(m, generation)) {
        sleep_until(group, kind, generation);
    }
    return !atomic_load(&m->is_broken);
}

/* Rank 0 is the thread that runs the session: while it waits here and not in a join, a worker that
 * is stuck in a plugin is found out. */
void collective_await_done(worker_group *group)
{
    collective *m = group->collective;
    unsigned size = (unsigned)m->size;
    spin turns = {0};
    while (atomic_load(&m->done) < size && spin_on(&turns)) {
    }
    (void)pthread_mutex_lock(&m->lock);
    idle x = idle_begin(m);
    while (atomic_load(&m->done) < size) {
        if (wait_turn(m, &x)) {
            report_stuck(m, group, KIND_END);
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
}
