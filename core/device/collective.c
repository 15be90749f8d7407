#include "device/collective.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/host.h"

/* What a worker contributes to an exchange. There are two buffers, used in turn: a fast worker may
 * write its next offer while a slow one still reads this one, but the barrier keeps it from getting
 * further ahead. */
typedef struct offer {
    odeon_status status;
    uint32_t kind;
    uint64_t call;
    calling caller;
    const void *data;
    char message[DIAG_MESSAGE_BYTES];
} offer;

/* Threads meet in barrier: the last to arrive raises generation, on which the others wait. Offers
 * need no lock, since the barrier separates writing from reading. lock guards wake and the change
 * to is_broken; verdict and message are written before is_broken and constant afterwards. */
struct collective {
    int32_t size;
    atomic_uint arrived, generation;
    atomic_uint done; /* workers that have finished their part of the job */
    atomic_bool is_broken;
    odeon_status verdict; /* the failure that broke the job, written before is_broken */
    char message[DIAG_MESSAGE_BYTES];
    double patience; /* seconds without activity before a wait is given up; 0: never */
    collective_stuck stuck;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* uses CLOCK_MONOTONIC */
    worker_group **groups;
    offer *offers[2];
};

/* The phases at which workers synchronize. A sum has three: publish the tensors, sum the chunks,
 * copy the total back. KIND_END is the end of a job. */
enum { KIND_NONE = 0, KIND_SUM, KIND_SUM_DONE, KIND_SUM_COPIED, KIND_SLOTS, KIND_AGREE, KIND_END };

static const char *const collective_name[] = {
    [KIND_NONE] = "no collective",  [KIND_SUM] = "sum",
    [KIND_SUM_DONE] = "sum",        [KIND_SUM_COPIED] = "sum",
    [KIND_SLOTS] = "reduce_slots",  [KIND_AGREE] = "agree",
    [KIND_END] = "the batch's end",
};

/* A condition variable on the monotonic clock, so that changes of the system time neither end nor
 * prolong a wait. */
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

/* Everything is allocated here, so that no collective can fail for lack of memory. */
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

void collective_set_patience(collective *m, double seconds, collective_stuck stuck, void *context)
{
    m->patience = seconds;
    m->stuck = stuck;
    m->context = context;
}

/* ---- the calls of workers ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether a call stems from the host itself. A device only acts on behalf of its caller, so its
 * calls count as the host's. */
static bool is_host(const calling *c)
{
    return c->who == NULL || c->slot == NULL || c->who->component == NULL ||
           c->who->component->kind == ODEON_KIND_DEVICE;
}

/* Describes the caller for messages: "forward of ode.block (faulty)", or "the host". May use text
 * as its buffer. */
static const char *call_text(const calling *c, char *text, size_t bytes)
{
    if (is_host(c)) {
        return "the host";
    }
    (void)snprintf(text, bytes, "%s of %s (%s)", c->slot, c->who->path, c->who->component->id);
    return text;
}

/* If a plugin's call is involved, the plugin is at fault; if only the host's are, it is an internal
 * error. */
static odeon_status fault_of(const calling *a, const calling *b)
{
    return is_host(a) && is_host(b) ? ODEON_ERR_INTERNAL : ODEON_ERR_PLUGIN;
}

/* ---- waiting ---- */

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
static void end_deadlock(collective *m)
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
            (int)waits->abi.rank, collective_name[atomic_load(&waits->waits_in)],
            call_text(&caller, where, sizeof where), (int)gone->abi.rank);
        fail_job(m, fault_of(&caller, &caller), text);
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
 * call. */
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
        (int)waits->abi.rank, m->patience, collective_name[kind], (unsigned long long)waits->calls,
        call_text(&caller, mine, sizeof mine), late != NULL ? (int)late->abi.rank : -1,
        call_text(&late_in, other, sizeof other), more);
}

/* How long a wait has seen no activity. Counted in turns of at most a second rather than by the
 * clock, so that a process that was suspended does not time out when it resumes. */
typedef struct idle {
    double seconds, turn;
    unsigned long activity;
} idle;

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
 * away; yields at times in case they need this core. False if they did not come. */
static bool spin(const collective *m, unsigned generation)
{
    enum { SPINS = 2000 };
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&m->generation, memory_order_acquire) != generation) {
            return true;
        }
        if (i % 64 == 63) {
            (void)sched_yield();
        }
    }
    return false;
}

/* Sleeps until generation changes, so that a descheduled worker can have the core. */
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

/* Waits until all workers have arrived; false if the job broke up, so that some never will.
 * generation is read before arriving: afterwards the barrier may open at any time. */
static bool barrier(worker_group *group, unsigned kind)
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
        end_deadlock(m);
    }
    if (!spin(m, generation)) {
        sleep_until(group, kind, generation);
    }
    return !atomic_load(&m->is_broken);
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

/* Rank 0 waits for the end of the others here rather than in a join, so that a stuck worker is
 * noticed. */
static void await_done(worker_group *group)
{
    collective *m = group->collective;
    unsigned size = (unsigned)m->size;
    (void)pthread_mutex_lock(&m->lock);
    idle x = idle_begin(m);
    while (atomic_load(&m->done) < size) {
        if (wait_turn(m, &x)) {
            report_stuck(m, group, KIND_END);
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
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
        end_deadlock(m);
    }
    if (group->abi.rank == 0) {
        await_done(group);
    } else if (done == size) {
        (void)pthread_mutex_lock(&m->lock);
        (void)pthread_cond_broadcast(&m->wake);
        (void)pthread_mutex_unlock(&m->lock);
    }
}

/* ---- exchanging ---- */

/* Reports that two workers are in different collectives, with the caller of each. */
static odeon_status report_divergence(const offer *offers, int32_t i)
{
    const offer *a = &offers[0], *b = &offers[i];
    char first[300], second[300];
    return diag_fail(fault_of(&a->caller, &b->caller),
                     "workers 0 and %d lost step with each other: one is in %s, called in %s, the "
                     "other in %s, called in %s: a layer or solver calls a collective on some of "
                     "the workers only, or decides by the data of its own slice",
                     (int)i, collective_name[a->kind], call_text(&a->caller, first, sizeof first),
                     collective_name[b->kind], call_text(&b->caller, second, sizeof second));
}

/* Whether two workers are in the same collective, called from the same place. */
static bool same_offer(const offer *a, const offer *b)
{
    bool hosts = is_host(&a->caller) && is_host(&b->caller);
    return a->kind == b->kind && a->call == b->call &&
           (hosts || (!is_host(&a->caller) && !is_host(&b->caller) &&
                      same_text(a->caller.slot, b->caller.slot) &&
                      same_text(a->caller.who->path, b->caller.who->path)));
}

/* The status of an exchange, the same on all workers: a failure before a void step, and of several
 * the one with the lowest rank. If all are OK but in different collectives, some worker's control
 * flow depended on data of its own. */
static odeon_status joint_status(const collective *m, const offer *offers, int32_t *whose)
{
    odeon_status worst = ODEON_OK;
    for (int32_t i = 0; i < m->size; i++) {
        odeon_status status = offers[i].status;
        if ((status < 0 && worst >= 0) || (status > 0 && worst == 0)) {
            worst = status;
            *whose = i;
        }
    }
    for (int32_t i = 1; i < m->size && worst == ODEON_OK; i++) {
        if (!same_offer(&offers[i], &offers[0])) {
            return report_divergence(offers, i);
        }
    }
    return worst;
}

/* Copies the message, since diag_message is per thread and the others cannot read it. */
static void fill_offer(worker_group *group, uint32_t kind, odeon_status mine, const void *data,
                       offer *own)
{
    own->status = mine;
    own->kind = kind;
    own->call = group->calls;
    own->caller = calling_read(&group->board);
    own->data = data;
    own->message[0] = '\0';
    if (mine != ODEON_OK) {
        strncpy(own->message, diag_message(), sizeof own->message - 1);
        own->message[sizeof own->message - 1] = '\0';
    }
}

/* Exchanges status and data: publishes this worker's offer and returns the offers of all and the
 * worst status. Data stays valid until the second exchange after this one. */
static odeon_status exchange(worker_group *group, uint32_t kind, odeon_status mine,
                             const void *data, const offer **all)
{
    collective *m = group->collective;
    /* all workers know of this failure and skip the exchange alike */
    if (group->delivered != ODEON_OK) {
        return group->delivered;
    }
    offer *offers = m->offers[group->calls % 2];
    fill_offer(group, kind, mine, data, &offers[group->abi.rank]);
    group->calls++;
    if (!barrier(group, kind)) {
        diag_adopt(m->message);
        group->delivered = m->verdict;
        return m->verdict;
    }
    int32_t whose = group->abi.rank;
    odeon_status worst = joint_status(m, offers, &whose);
    if (worst != ODEON_OK) {
        group->delivered = worst;
        if (whose != group->abi.rank) {
            diag_adopt(offers[whose].message);
        }
    }
    *all = offers;
    return worst;
}

static odeon_tensor chunk(const odeon_tensor *x, int64_t first, int64_t n)
{
    odeon_tensor part = {.dim = {n}, .ndim = 1, .dtype = x->dtype};
    part.data = (char *)x->data + first * odeon_dtype_bytes(x->dtype);
    return part;
}

/* Reduces this worker's share of the elements over all workers into rank 0's tensor. Workers add in
 * rank order whatever their timing, so the sum has the same bits in every run; lincomb takes
 * ODEON_MAX_STAGES operands at a time. */
static odeon_status sum_chunk(worker_group *group, odeon_queue *queue, const offer *all)
{
    const odeon_device_ops *ops = group->device->ops;
    odeon_tensor parts[COLLECTIVE_MAX_WORKERS];
    const odeon_tensor *x[COLLECTIVE_MAX_WORKERS];
    odeon_scalar ones[COLLECTIVE_MAX_WORKERS];
    const odeon_tensor *first = all[0].data;
    int32_t size = group->abi.size;
    int64_t n = odeon_count(first), rank = group->abi.rank;
    int64_t begin = n * rank / size, end = n * (rank + 1) / size;
    for (int32_t i = 0; i < size; i++) {
        parts[i] = chunk(all[i].data, begin, end - begin);
        x[i] = &parts[i];
        ones[i] = odeon_imm(1.0);
    }
    for (int32_t done = 0; done < size;) {
        int32_t now = size - done < ODEON_MAX_STAGES ? size - done : ODEON_MAX_STAGES;
        const odeon_tensor *base = done > 0 ? &parts[0] : NULL;
        ODEON_TRY(ops->lincomb(queue, &parts[0], base, now, x + done, ones, NULL));
        done += now;
    }
    return ops->wait(queue);
}

/* A reduce-scatter followed by a copy: each worker sums its chunk into rank 0's tensor, then all
 * copy the whole from there. The last exchange keeps rank 0 from overwriting it too early. */
static odeon_status group_sum(void *self, odeon_queue *queue, const odeon_tensor *x,
                              odeon_status mine)
{
    worker_group *group = self;
    const odeon_device_ops *ops = group->device->ops;
    const offer *all;
    if (group->abi.size == 1) {
        group->delivered = mine;
        return mine;
    }
    if (mine == ODEON_OK) {
        mine = ops->wait(queue);
    }
    ODEON_TRY(exchange(group, KIND_SUM, mine, x, &all));
    odeon_tensor total = *(const odeon_tensor *)all[0].data;
    ODEON_TRY(exchange(group, KIND_SUM_DONE, sum_chunk(group, queue, all), NULL, &all));
    odeon_status status = ODEON_OK;
    if (group->abi.rank != 0) {
        status = ops->copy(queue, &total, x);
        status = status == ODEON_OK ? ops->wait(queue) : status;
    }
    return exchange(group, KIND_SUM_COPIED, status, NULL, &all);
}

static double nan_max(double a, double b)
{
    return isnan(a) || a > b ? a : b; /* NaN wins: it must not be hidden by a maximum */
}

/* Every worker reduces all values itself in rank order and so gets the same bits. */
static odeon_status group_reduce_slots(void *self, odeon_queue *queue, double *slots, int32_t first,
                                       int32_t n, int32_t maximum, odeon_status mine)
{
    worker_group *group = self;
    const odeon_device_ops *ops = group->device->ops;
    const offer *all;
    if (group->abi.size == 1) {
        group->delivered = mine;
        return mine;
    }
    double *own = group->values[group->calls % 2];
    if (mine == ODEON_OK) {
        mine = ops->slots_read(queue, slots, first, n, own);
    }
    ODEON_TRY(exchange(group, KIND_SLOTS, mine, own, &all));
    double result[ODEON_SLOTS];
    for (int32_t i = 0; i < n; i++) {
        result[i] = ((const double *)all[0].data)[i];
        for (int32_t w = 1; w < group->abi.size; w++) {
            double value = ((const double *)all[w].data)[i];
            result[i] = maximum != 0 ? nan_max(value, result[i]) : result[i] + value;
        }
    }
    return ops->slots_write(queue, slots, first, n, result);
}

static odeon_status group_agree(void *self, odeon_status mine)
{
    worker_group *group = self;
    const offer *all;
    if (group->abi.size == 1) {
        group->delivered = mine;
        return mine;
    }
    return exchange(group, KIND_AGREE, mine, NULL, &all);
}

/* m may be NULL for a single worker, whose collectives return at once. */
void worker_group_init(worker_group *group, collective *m, const odeon_device *device, int32_t rank,
                       int32_t size)
{
    memset(group, 0, sizeof *group);
    group->abi = (odeon_group){.struct_size = sizeof group->abi,
                               .rank = rank,
                               .size = size,
                               .self = group,
                               .sum = group_sum,
                               .reduce_slots = group_reduce_slots,
                               .agree = group_agree};
    group->collective = m;
    group->device = device;
    if (m != NULL && rank < m->size) {
        m->groups[rank] = group;
    }
}

/* A failure that the others already know of (delivered) must not be shared again: they make no
 * matching call. */
odeon_status worker_group_share(worker_group *group, odeon_status status)
{
    if (status != ODEON_OK && group->delivered == ODEON_OK) {
        status = group_agree(group, status);
    }
    return status;
}

void worker_group_resolve(worker_group *group)
{
    group->delivered = ODEON_OK;
}
