#include "cpu.h"
#include "odeon/device_optimizer.h"

/* p, g, v [n]; v may be NULL without momentum. */
static odeon_status cpu_sgd_step(odeon_queue *queue, const odeon_sgd_step *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "sgd_step", call->flags, call->p->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        cpu_alike(&call->p->view.shape, &call->g->shape) &&
            (call->momentum == 0.0 ||
             (call->v != NULL && cpu_alike(&call->p->view.shape, &call->v->view.shape))),
        "sgd_step", "p, g, v of one dtype and count"));
    k->sgd(odeon_count(&call->p->view.shape), call, odeon_write(call->p), odeon_read(call->g),
           write_or_null(call->v));
    return ODEON_OK;
}

/* p, g, m, v [n]. */
static odeon_status cpu_adam_step(odeon_queue *queue, const odeon_adam_step *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "adam_step", call->flags, call->p->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          cpu_alike(&call->p->view.shape, &call->g->shape) &&
                              cpu_alike(&call->p->view.shape, &call->m->view.shape) &&
                              cpu_alike(&call->p->view.shape, &call->v->view.shape),
                          "adam_step", "p, g, m, v of one dtype and count"));
    k->adam(odeon_count(&call->p->view.shape), call, odeon_write(call->p), odeon_read(call->g),
            odeon_write(call->m), odeon_write(call->v));
    return ODEON_OK;
}

/* p, g, v [n]; mean and buffer [n] or NULL. */
static odeon_status cpu_rmsprop_step(odeon_queue *queue, const odeon_rmsprop_step *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "rmsprop_step", call->flags, call->p->view.shape.dtype, &k));
    ODEON_TRY(
        cpu_require(queue,
                    cpu_alike(&call->p->view.shape, &call->g->shape) &&
                        cpu_alike(&call->p->view.shape, &call->v->view.shape) &&
                        cpu_absent_or_alike(odeon_as_view(call->mean), &call->p->view.shape) &&
                        cpu_absent_or_alike(odeon_as_view(call->buffer), &call->p->view.shape),
                    "rmsprop_step", "p, g, v, mean, buffer of one dtype and count"));
    k->rmsprop(odeon_count(&call->p->view.shape), call, odeon_write(call->p), odeon_read(call->g),
               odeon_write(call->v), write_or_null(call->mean), write_or_null(call->buffer));
    return ODEON_OK;
}

const odeon_optimizer_family cpu_optimizer = {
    .struct_size = sizeof(odeon_optimizer_family),
    .sgd_step = cpu_sgd_step,
    .adam_step = cpu_adam_step,
    .rmsprop_step = cpu_rmsprop_step,
};
