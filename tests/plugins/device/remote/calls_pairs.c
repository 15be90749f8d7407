/* Operators of pairs of tensors, with their arguments copied; see calls.h. */
#include <assert.h>

#include "calls.h"

typedef struct pairs_call {
    odeon_tensor from[ODEON_MAX_STAGES], to[ODEON_MAX_STAGES];
    const double *slots;
    int32_t n, slot;
} pairs_call;

static_assert(sizeof(pairs_call) <= STREAM_CALL_BYTES, "a call holds every operator's arguments");

typedef odeon_status pairs_operator(odeon_queue *queue, int32_t n, const odeon_tensor *const *from,
                                    const odeon_tensor *const *to, const double *slots,
                                    int32_t slot);

static odeon_status carry(const stream *s, const pairs_call *c, pairs_operator *run)
{
    const odeon_tensor *from[ODEON_MAX_STAGES], *to[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        from[i] = &c->from[i];
        to[i] = &c->to[i];
    }
    return run(s->inner, c->n, from, to, c->slots, c->slot);
}

static odeon_status launch(odeon_queue *queue, stream_run *run, int32_t n,
                           const odeon_tensor *const *from, const odeon_tensor *const *to,
                           const double *slots, int32_t slot)
{
    pairs_call call = {.slots = slots, .n = n, .slot = slot};
    for (int32_t i = 0; i < n && i < ODEON_MAX_STAGES; i++) {
        call.from[i] = *from[i];
        call.to[i] = *to[i];
    }
    return stream_launch(queue, run, &call, sizeof call);
}

static odeon_status carry_select(const stream *s, const void *arguments)
{
    return carry(s, arguments, s->device->ops->select);
}

odeon_status call_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                         const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    return launch(queue, carry_select, n, x, y, slots, slot);
}

static odeon_status carry_row_store(const stream *s, const void *arguments)
{
    return carry(s, arguments, s->device->ops->row_store);
}

odeon_status call_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                            const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    return launch(queue, carry_row_store, n, x, y, slots, slot);
}

static odeon_status carry_row_load(const stream *s, const void *arguments)
{
    return carry(s, arguments, s->device->ops->row_load);
}

odeon_status call_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                           const odeon_tensor *const *x, const double *slots, int32_t slot)
{
    return launch(queue, carry_row_load, n, y, x, slots, slot);
}
