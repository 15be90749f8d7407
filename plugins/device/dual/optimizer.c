/* Training is not differentiated: what an update writes is constant from then on. */
#include "dual.h"
#include "odeon/device_optimizer.h"

/* Of tensors that are there. */
static odeon_status forget(dual_queue *q, int32_t n, const odeon_tensor *const *x)
{
    for (int32_t i = 0; i < n; i++) {
        if (x[i] != NULL) {
            odeon_tensor dot = twin_of(q, x[i]);
            ODEON_TRY(dual_zero(q, &dot));
        }
    }
    return ODEON_OK;
}

static odeon_status sgd_step(odeon_queue *queue, const odeon_sgd_step *call)
{
    RULE(queue, sgd_step, call);
    ODEON_TRY(forget(q, 2, (const odeon_tensor *const[]){call->p, call->v}));
    return VALUE(q, optimizer, sgd_step, call);
}

static odeon_status adam_step(odeon_queue *queue, const odeon_adam_step *call)
{
    RULE(queue, adam_step, call);
    ODEON_TRY(forget(q, 3, (const odeon_tensor *const[]){call->p, call->m, call->v}));
    return VALUE(q, optimizer, adam_step, call);
}

static odeon_status rmsprop_step(odeon_queue *queue, const odeon_rmsprop_step *call)
{
    RULE(queue, rmsprop_step, call);
    ODEON_TRY(
        forget(q, 4, (const odeon_tensor *const[]){call->p, call->v, call->mean, call->buffer}));
    return VALUE(q, optimizer, rmsprop_step, call);
}

const odeon_optimizer_family dual_optimizer = {
    .struct_size = sizeof(odeon_optimizer_family),
    .sgd_step = sgd_step,
    .adam_step = adam_step,
    .rmsprop_step = rmsprop_step,
};
