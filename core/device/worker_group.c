#include "device/worker_group.h"

#include <math.h>
#include <string.h>

#include "device/exchange.h"
#include "device/worker_sum.h"
#include "odeon/device_solver.h"

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
    ODEON_TRY(exchange_offers(group, KIND_SLOTS, mine, own, &all));
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
    return exchange_offers(group, KIND_AGREE, mine, NULL, &all);
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
                               .sum = worker_sum,
                               .reduce_slots = group_reduce_slots,
                               .agree = group_agree};
    group->collective = m;
    group->device = device;
    if (m != NULL && rank < m->size) {
        m->groups[rank] = group;
    }
}

void worker_group_fini(worker_group *group)
{
    for (int i = 0; i < 2 && group->device != NULL; i++) {
        buffer_release(group->device, &group->offered[i]);
    }
    if (group->device != NULL) {
        buffer_release(group->device, &group->total);
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
