/* Two ways to add up, by size. Small tensors are copied to where the others may read them for a
 * while, and after a single exchange every worker adds all of them up by itself. Of large ones that
 * would be too much work for each: every worker adds up its share of the elements into one total,
 * and all copy that after a second exchange. Of the largest a total would be memory for as many
 * numbers again: rank 0's tensor is the total, and a third exchange keeps it while it is copied.
 *
 * Either way an element is added up in rank order whatever the workers' timing, so that the sum has
 * the same bits in every run and on every worker. */
#include "device/worker_sum.h"

#include "base/diag.h"
#include "device/exchange.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

/* Of all workers' tensors together: what a core reads in the time of an exchange or two. */
enum { SMALL_BYTES = 128 * 1024 };

/* Of one worker's tensors: the most that a total of their own is reserved for. */
enum { TOTAL_BYTES = 4 << 20 };

/* The tensors of one call, one behind the other at multiples of 64 bytes. */
typedef struct sum_list {
    int32_t n;
    const odeon_tensor *const *x;
    int64_t at[WORKER_SUM_MOST], bytes;
} sum_list;

static sum_list list_of(int32_t n, const odeon_tensor *const *x)
{
    sum_list list = {.n = n, .x = x};
    for (int32_t i = 0; i < n; i++) {
        list.at[i] = list.bytes;
        list.bytes += (odeon_bytes(&x[i]->view.shape) + 63) / 64 * 64;
    }
    return list;
}

static int64_t small_bytes(const worker_group *group)
{
    return SMALL_BYTES / group->abi.size;
}

/* Tensor i of the list within a buffer that holds all of it. */
static odeon_tensor tensor_in(const sum_list *list, int32_t i, char *buffer)
{
    return odeon_tensor_at(buffer + list->at[i], list->x[i]->view.shape);
}

/* A view of n elements of x from first on, flat: sums do not care for shapes. */
static odeon_tensor chunk(const odeon_tensor *x, int64_t first, int64_t n)
{
    odeon_tensor part = *x;
    part.view.shape = (odeon_shape){.ndim = 1, .dtype = x->view.shape.dtype, .dim = {n}};
    part.view.byte_offset += (uint64_t)(first * odeon_dtype_bytes(x->view.shape.dtype));
    return part;
}

/* y = the sum of x [size]; lincomb takes ODEON_MAX_STAGES operands at a time. y may be one of the
 * first of them. */
static odeon_status add_up(const worker_group *group, odeon_queue *queue, const odeon_tensor *x,
                           const odeon_tensor *y)
{
    const odeon_view *pointers[COLLECTIVE_MAX_WORKERS];
    odeon_scalar ones[ODEON_MAX_STAGES];
    int32_t size = group->abi.size;
    for (int32_t i = 0; i < size; i++) {
        pointers[i] = &x[i].view;
    }
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        ones[i] = odeon_imm(1.0);
    }
    for (int32_t done = 0, now; done < size; done += now) {
        now = size - done < ODEON_MAX_STAGES ? size - done : ODEON_MAX_STAGES;
        const odeon_view *base = done > 0 ? &y->view : NULL;
        ODEON_TRY(ODEON_DO(group->device, solver, lincomb, queue, .y = y, .base = base, .n = now,
                           .x = pointers + done, .coefficient = ones));
    }
    return ODEON_OK;
}

/* ---- small ---- */

/* Two buffers in turn: while a slow worker still reads one, this one may fill the other; further
 * ahead the exchange does not let it. */
static odeon_status publish(const worker_group *group, odeon_queue *queue, const sum_list *list,
                            device_buffer *to)
{
    ODEON_TRY(buffer_fit(group->device, to, list->bytes));
    for (int32_t i = 0; i < list->n; i++) {
        odeon_tensor copy = tensor_in(list, i, to->data);
        ODEON_TRY(ODEON_DO(group->device, move, copy, queue, .x = &list->x[i]->view, .y = &copy));
    }
    return group->device->ops->wait(queue);
}

/* The last wait keeps the buffers of others from being filled again while they are read. */
static odeon_status sum_small(worker_group *group, odeon_queue *queue, const sum_list *list,
                              odeon_status mine)
{
    device_buffer *own = &group->offered[group->calls % 2];
    const offer *all;
    if (mine == ODEON_OK) {
        mine = publish(group, queue, list, own);
    }
    ODEON_TRY(exchange_offers(group, KIND_SUM, mine, own, &all));
    for (int32_t i = 0; i < list->n; i++) {
        odeon_tensor parts[COLLECTIVE_MAX_WORKERS];
        for (int32_t w = 0; w < group->abi.size; w++) {
            parts[w] = tensor_in(list, i, ((const device_buffer *)all[w].data)->data);
        }
        ODEON_TRY(add_up(group, queue, parts, list->x[i]));
    }
    return group->device->ops->wait(queue);
}

/* ---- large ---- */

/* Where tensor i is added up: in the total, or, without one, in rank 0's. */
static odeon_tensor sum_of(const sum_list *list, int32_t i, const odeon_tensor *const *first,
                           char *total)
{
    return total != NULL ? tensor_in(list, i, total) : *first[i];
}

/* This worker's share of tensor i, of all workers. Shares differ by one element at most; where
 * there are fewer elements than workers some are empty. Nobody else reads or writes elements of it.
 */
static odeon_status add_share(const worker_group *group, odeon_queue *queue, const sum_list *list,
                              int32_t i, const offer *all, char *total)
{
    odeon_tensor parts[COLLECTIVE_MAX_WORKERS], sum = sum_of(list, i, all[0].data, total);
    int64_t n = odeon_count(&sum.view.shape), rank = group->abi.rank, size = group->abi.size;
    int64_t begin = n * rank / size, end = n * (rank + 1) / size;
    for (int64_t w = 0; w < size; w++) {
        const odeon_tensor *const *x = all[w].data;
        parts[w] = chunk(x[i], begin, end - begin);
    }
    sum = chunk(&sum, begin, end - begin);
    return add_up(group, queue, parts, &sum);
}

static odeon_status add_shares(const worker_group *group, odeon_queue *queue, const sum_list *list,
                               const offer *all, char *total)
{
    for (int32_t i = 0; i < list->n; i++) {
        ODEON_TRY(add_share(group, queue, list, i, all, total));
    }
    return group->device->ops->wait(queue);
}

static odeon_status copy_sums(const worker_group *group, odeon_queue *queue, const sum_list *list,
                              const odeon_tensor *const *first, char *total)
{
    for (int32_t i = 0; i < list->n && (total != NULL || group->abi.rank > 0); i++) {
        odeon_tensor sum = sum_of(list, i, first, total);
        ODEON_TRY(ODEON_DO(group->device, move, copy, queue, .x = &sum.view, .y = list->x[i]));
    }
    return group->device->ops->wait(queue);
}

/* The total is rank 0's. Between the two exchanges tensors are read and the total is written; after
 * the second it is read, until each worker comes to its next exchange, before which nobody writes
 * it again. Its memory never moves: others may still read it when rank 0 is at its next sum. */
static odeon_status sum_large(worker_group *group, odeon_queue *queue, const sum_list *list,
                              odeon_status mine)
{
    worker_group *of_total = group->collective->groups[0];
    bool has_total = list->bytes <= group->total_bytes;
    const offer *all;
    if (mine == ODEON_OK) {
        mine = group->device->ops->wait(queue);
    }
    ODEON_TRY(exchange_offers(group, KIND_SUM_LARGE, mine, list->x, &all));
    char *total = has_total ? of_total->total.data : NULL;
    const odeon_tensor *const *first = all[0].data;
    odeon_status status = add_shares(group, queue, list, all, total);
    ODEON_TRY(exchange_offers(group, KIND_SUM_DONE, status, NULL, &all));
    status = copy_sums(group, queue, list, first, total);
    return has_total ? status : exchange_offers(group, KIND_SUM_COPIED, status, NULL, &all);
}

/* ---- both ---- */

odeon_status worker_sum_all(worker_group *group, odeon_queue *queue, int32_t n,
                            const odeon_tensor *const *x, odeon_status mine)
{
    if (group->abi.size == 1) {
        group->delivered = mine;
        return mine;
    }
    sum_list list = list_of(n, x);
    return list.bytes <= small_bytes(group) ? sum_small(group, queue, &list, mine)
                                            : sum_large(group, queue, &list, mine);
}

odeon_status worker_sum(void *self, odeon_queue *queue, const odeon_tensor *x, odeon_status mine)
{
    return worker_sum_all(self, queue, 1, &x, mine);
}

odeon_status worker_sum_reserve(worker_group *group, int64_t bytes)
{
    int64_t small = small_bytes(group);
    if (group->abi.size == 1) {
        return ODEON_OK;
    }
    ODEON_TRY(buffer_fit(group->device, &group->offered[0], small));
    ODEON_TRY(buffer_fit(group->device, &group->offered[1], small));
    int64_t most = bytes < TOTAL_BYTES ? bytes : TOTAL_BYTES;
    group->total_bytes = bytes > small ? most : 0;
    return group->abi.rank == 0 && group->total_bytes > 0
               ? buffer_fit(group->device, &group->total, group->total_bytes)
               : ODEON_OK;
}
