#include "device/worker_group.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "device/caller.h"
#include "device/collective_wait.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/host.h"

/* Either may be NULL; two that are NULL are the same. */
static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Reports that two workers are in different collectives, with the caller of each. */
static odeon_status report_divergence(const offer *offers, int32_t i)
{
    const offer *a = &offers[0], *b = &offers[i];
    char first[300], second[300];
    return diag_fail(caller_fault(&a->caller, &b->caller),
                     "workers 0 and %d lost step with each other: one is in %s, called in %s, the "
                     "other in %s, called in %s: a layer or solver calls a collective on some of "
                     "the workers only, or decides by the data of its own slice",
                     (int)i, collective_kind_name(a->kind),
                     caller_text(&a->caller, first, sizeof first), collective_kind_name(b->kind),
                     caller_text(&b->caller, second, sizeof second));
}

/* Whether two workers are in the same collective, called from the same place. */
static bool same_offer(const offer *a, const offer *b)
{
    bool hosts = caller_is_host(&a->caller) && caller_is_host(&b->caller);
    return a->kind == b->kind && a->call == b->call &&
           (hosts || (!caller_is_host(&a->caller) && !caller_is_host(&b->caller) &&
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

/* Copies the message, since diag_message is per thread and the others cannot read it. The caller is
 * read from this thread's own board, where it is up to date. */
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
    if (!collective_barrier(group, kind)) {
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

/* A view of n elements of x from first on, flat: sums do not care for shapes. */
static odeon_tensor chunk(const odeon_tensor *x, int64_t first, int64_t n)
{
    odeon_tensor part = *x;
    part.view.shape = (odeon_shape){.ndim = 1, .dtype = x->view.shape.dtype, .dim = {n}};
    part.view.byte_offset += (uint64_t)(first * odeon_dtype_bytes(x->view.shape.dtype));
    return part;
}

/* Reduces this worker's share of the elements over all workers into rank 0's tensor. Workers add in
 * rank order whatever their timing, so the sum has the same bits in every run; lincomb takes
 * ODEON_MAX_STAGES operands at a time. */
static odeon_status sum_chunk(worker_group *group, odeon_queue *queue, const offer *all)
{
    const odeon_device_ops *ops = group->device->ops;
    odeon_tensor parts[COLLECTIVE_MAX_WORKERS];
    const odeon_view *x[COLLECTIVE_MAX_WORKERS];
    odeon_scalar ones[COLLECTIVE_MAX_WORKERS];
    const odeon_tensor *first = all[0].data;
    int32_t size = group->abi.size;
    /* Shares differ by one element at most; where there are fewer elements than workers some are
     * empty. */
    int64_t n = odeon_count(&first->view.shape), rank = group->abi.rank;
    int64_t begin = n * rank / size, end = n * (rank + 1) / size;
    for (int32_t i = 0; i < size; i++) {
        parts[i] = chunk(all[i].data, begin, end - begin);
        x[i] = &parts[i].view;
        ones[i] = odeon_imm(1.0);
    }
    for (int32_t done = 0; done < size;) {
        int32_t now = size - done < ODEON_MAX_STAGES ? size - done : ODEON_MAX_STAGES;
        const odeon_view *base = done > 0 ? &parts[0].view : NULL;
        ODEON_TRY(ODEON_DO(group->device, solver, lincomb, queue, .y = &parts[0], .base = base,
                           .n = now, .x = x + done, .coefficient = ones));
        done += now;
    }
    return ops->wait(queue);
}

/* A reduce-scatter followed by a copy: each worker sums its chunk into rank 0's tensor, then all
 * copy the whole from there. The last exchange keeps rank 0 from overwriting it too early. Each
 * worker waits for its queue before the first exchange, as the others will read its tensor; what
 * sum_chunk fails with is shared at the second. */
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
    /* Rank 0's, copied because the next exchange replaces the offers. */
    odeon_tensor total = *(const odeon_tensor *)all[0].data;
    ODEON_TRY(exchange(group, KIND_SUM_DONE, sum_chunk(group, queue, all), NULL, &all));
    odeon_status status = ODEON_OK;
    if (group->abi.rank != 0) {
        status = ODEON_DO(group->device, move, copy, queue, .x = &total.view, .y = x);
        status = status == ODEON_OK ? ops->wait(queue) : status;
    }
    return exchange(group, KIND_SUM_COPIED, status, NULL, &all);
}

static double nan_max(double a, double b)
{
    return isnan(a) || a > b ? a : b; /* NaN wins: it must not be hidden by a maximum */
}

/* Every worker reduces all values itself in rank order and so gets the same bits. values[] has two
 * rows in turn for the same reason as the offers: a fast worker may fill the next while a slow one
 * still reads this one. */
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
    return ODEON_DO(group->device, solver, slots_write, queue, .slots = slots, .first = first,
                    .n = n, .values = result);
}

/* Nothing but statuses are exchanged; a worker that has failed uses it to tell the others, whatever
 * they call meanwhile. */
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
 * matching call. After the agreement the failure counts as delivered on all workers, until each
 * resolves it. */
odeon_status worker_group_share(worker_group *group, odeon_status status)
{
    if (status != ODEON_OK && group->delivered == ODEON_OK) {
        status = group_agree(group, status);
    }
    return status;
}

/* Every worker does so at the same point of its own, without a collective: the failure was the same
 * for all. */
void worker_group_resolve(worker_group *group)
{
    group->delivered = ODEON_OK;
}
