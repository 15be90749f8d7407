#include "meeting.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "odeon/host.h"

/* What a worker brings to an exchange. Kept twice, in turn: a fast worker may bring the next offer
 * while a slow one still reads this one, but cannot get further ahead than that. */
typedef struct offer {
    odeon_status status;
    uint32_t kind;
    uint64_t call;
    const void *data;
    char message[DIAG_MESSAGE_BYTES];
} offer;

struct meeting {
    int32_t size;
    atomic_uint arrived, generation;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    offer offers[2][MEETING_MAX_WORKERS];
};

enum { KIND_SUM = 1, KIND_SUM_DONE, KIND_SUM_COPIED, KIND_SLOTS, KIND_AGREE };

odeon_status meeting_create(int32_t size, meeting **out)
{
    *out = NULL;
    if (size < 1 || size > MEETING_MAX_WORKERS) {
        return diag_fail(ODEON_ERR_CONFIG, "run.workers = %d: allowed are 1 to %d", (int)size,
                         MEETING_MAX_WORKERS);
    }
    meeting *m = mem_zalloc(1, sizeof *m);
    if (m == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
    m->size = size;
    atomic_init(&m->arrived, 0);
    atomic_init(&m->generation, 0);
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->wake, NULL);
    *out = m;
    return ODEON_OK;
}

void meeting_destroy(meeting *m)
{
    if (m != NULL) {
        (void)pthread_cond_destroy(&m->wake);
        (void)pthread_mutex_destroy(&m->lock);
        mem_free(m);
    }
}

/* Waits until all workers are here. Spins first: the others are usually a microsecond away; then
 * sleeps, so that a descheduled worker is not kept from its core. */
static void barrier(meeting *m)
{
    enum { SPINS = 2000 };
    unsigned generation = atomic_load_explicit(&m->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&m->arrived, 1, memory_order_acq_rel) + 1 == (unsigned)m->size) {
        atomic_store_explicit(&m->arrived, 0, memory_order_relaxed);
        (void)pthread_mutex_lock(&m->lock);
        atomic_store_explicit(&m->generation, generation + 1, memory_order_release);
        (void)pthread_cond_broadcast(&m->wake);
        (void)pthread_mutex_unlock(&m->lock);
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&m->generation, memory_order_acquire) != generation) {
            return;
        }
        if (i % 64 == 63) {
            (void)sched_yield();
        }
    }
    (void)pthread_mutex_lock(&m->lock);
    while (atomic_load_explicit(&m->generation, memory_order_acquire) == generation) {
        (void)pthread_cond_wait(&m->wake, &m->lock);
    }
    (void)pthread_mutex_unlock(&m->lock);
}

/* The worst status of an exchange: a failure before a void step, the lowest rank's first. All OK
 * but in different collectives: somebody's control flow depended on data of its own. */
static odeon_status judge(const meeting *m, const offer *offers, int32_t *whose)
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
        if (offers[i].kind != offers[0].kind || offers[i].call != offers[0].call) {
            return diag_fail(ODEON_ERR_INTERNAL,
                             "workers 0 and %d lost step with each other: a layer or solver "
                             "decides by the data of its own slice",
                             (int)i);
        }
    }
    return worst;
}

/* Brings status and data, takes everybody's. */
static odeon_status exchange(worker_group *group, uint32_t kind, odeon_status mine,
                             const void *data, const offer **all)
{
    meeting *m = group->meeting;
    offer *offers = m->offers[group->calls % 2];
    offer *own = &offers[group->abi.rank];
    own->status = mine;
    own->kind = kind;
    own->call = group->calls;
    own->data = data;
    own->message[0] = '\0';
    if (mine != ODEON_OK) {
        strncpy(own->message, diag_message(), sizeof own->message - 1);
        own->message[sizeof own->message - 1] = '\0';
    }
    group->calls++;
    barrier(m);
    int32_t whose = group->abi.rank;
    odeon_status worst = judge(m, offers, &whose);
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

/* Rank 0's tensor receives the sum of this worker's chunk of all tensors. */
static odeon_status sum_chunk(worker_group *group, odeon_queue *queue, const offer *all)
{
    const odeon_device_ops *ops = group->device->ops;
    odeon_tensor parts[MEETING_MAX_WORKERS];
    const odeon_tensor *x[MEETING_MAX_WORKERS];
    odeon_scalar ones[MEETING_MAX_WORKERS];
    const odeon_tensor *first = all[0].data;
    int64_t n = odeon_count(first), size = group->abi.size, rank = group->abi.rank;
    int64_t begin = n * rank / size, end = n * (rank + 1) / size;
    for (int32_t i = 0; i < group->abi.size; i++) {
        parts[i] = chunk(all[i].data, begin, end - begin);
        x[i] = &parts[i];
        ones[i] = odeon_imm(1.0);
    }
    ODEON_TRY(ops->lincomb(queue, &parts[0], NULL, group->abi.size, x, ones, NULL));
    return ops->wait(queue);
}

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

static double larger(double a, double b)
{
    return isnan(a) || a > b ? a : b; /* b stays when it is NaN: nothing is larger */
}

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
            result[i] = maximum != 0 ? larger(value, result[i]) : result[i] + value;
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

void worker_group_init(worker_group *group, meeting *m, const odeon_device *device, int32_t rank,
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
    group->meeting = m;
    group->device = device;
}

odeon_status worker_group_settle(worker_group *group, odeon_status status)
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
