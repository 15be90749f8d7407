#include "odeon/device_optimizer.h"
#include "ops.h"

static odeon_status ops_sgd_step(odeon_queue *queue, const odeon_sgd_step *call)
{
    ODEON_TRY(expect_flags(queue, "sgd_step", call->flags));
    sgd_args a = {odeon_write(call->p),
                  odeon_read(call->g),
                  NULL,
                  odeon_count(&call->p->view.shape),
                  call->lr,
                  call->momentum,
                  call->decay,
                  call->nesterov,
                  call->first};
    ODEON_TRY(expect_real(queue, "sgd_step: p", &call->p->view.shape, 0));
    ODEON_TRY(expect_like(queue, "sgd_step: g", &call->g->shape, &call->p->view.shape));
    if (call->momentum != 0.0) {
        ODEON_TRY(expect_true(queue, call->v != NULL, "sgd_step: momentum without v"));
        ODEON_TRY(expect_like(queue, "sgd_step: v", &call->v->view.shape, &call->p->view.shape));
        a.v = odeon_write(call->v);
    }
    return launch(queue, kernel_of(KERNEL_sgd_f32, call->p->view.shape.dtype), &a,
                  shape_each(a.count));
}

static odeon_status ops_adam_step(odeon_queue *queue, const odeon_adam_step *call)
{
    ODEON_TRY(expect_flags(queue, "adam_step", call->flags));
    const double steps = (double)call->step;
    const adam_args a = {.p = odeon_write(call->p),
                         .g = odeon_read(call->g),
                         .m = odeon_write(call->m),
                         .v = odeon_write(call->v),
                         .count = odeon_count(&call->p->view.shape),
                         .keep = 1.0 - call->lr * call->decay_decoupled,
                         .decay = call->decay_l2,
                         .beta1 = call->beta1,
                         .rest1 = 1.0 - call->beta1,
                         .beta2 = call->beta2,
                         .rest2 = 1.0 - call->beta2,
                         .rate = call->lr / (1.0 - pow(call->beta1, steps)),
                         .root = sqrt(1.0 - pow(call->beta2, steps)),
                         .epsilon = call->epsilon};
    ODEON_TRY(expect_real(queue, "adam_step: p", &call->p->view.shape, 0));
    ODEON_TRY(expect_like(queue, "adam_step: g", &call->g->shape, &call->p->view.shape));
    ODEON_TRY(expect_like(queue, "adam_step: m", &call->m->view.shape, &call->p->view.shape));
    ODEON_TRY(expect_like(queue, "adam_step: v", &call->v->view.shape, &call->p->view.shape));
    return launch(queue, kernel_of(KERNEL_adam_f32, call->p->view.shape.dtype), &a,
                  shape_each(a.count));
}

static odeon_status ops_rmsprop_step(odeon_queue *queue, const odeon_rmsprop_step *call)
{
    ODEON_TRY(expect_flags(queue, "rmsprop_step", call->flags));
    const rmsprop_args a = {.p = odeon_write(call->p),
                            .g = odeon_read(call->g),
                            .v = odeon_write(call->v),
                            .mean = write_or_null(call->mean),
                            .buffer = write_or_null(call->buffer),
                            .count = odeon_count(&call->p->view.shape),
                            .lr = call->lr,
                            .alpha = call->alpha,
                            .rest = 1.0 - call->alpha,
                            .epsilon = call->epsilon,
                            .decay = call->decay,
                            .momentum = call->momentum};
    ODEON_TRY(expect_real(queue, "rmsprop_step: p", &call->p->view.shape, 0));
    ODEON_TRY(expect_like(queue, "rmsprop_step: g", &call->g->shape, &call->p->view.shape));
    ODEON_TRY(expect_like(queue, "rmsprop_step: v", &call->v->view.shape, &call->p->view.shape));
    ODEON_TRY(expect_optional(queue, "rmsprop_step: mean", odeon_as_view(call->mean),
                              &call->p->view.shape));
    ODEON_TRY(expect_optional(queue, "rmsprop_step: buffer", odeon_as_view(call->buffer),
                              &call->p->view.shape));
    return launch(queue, kernel_of(KERNEL_rmsprop_f32, call->p->view.shape.dtype), &a,
                  shape_each(a.count));
}

const odeon_optimizer_family ops_optimizer = {
    .struct_size = sizeof(odeon_optimizer_family),
    .sgd_step = ops_sgd_step,
    .adam_step = ops_adam_step,
    .rmsprop_step = ops_rmsprop_step,
};
