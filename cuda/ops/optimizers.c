#include "ops.h"

odeon_status ops_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                          const odeon_tensor *v, double lr, double momentum, double decay,
                          int32_t nesterov, int32_t first)
{
    sgd_args a = {p->data, g->data, NULL, odeon_count(p), lr, momentum, decay, nesterov, first};
    ODEON_TRY(expect_real(queue, "sgd_step: p", p, 0));
    ODEON_TRY(expect_like(queue, "sgd_step: g", g, p));
    if (momentum != 0.0) {
        ODEON_TRY(expect_true(queue, v != NULL, "sgd_step: momentum without v"));
        ODEON_TRY(expect_like(queue, "sgd_step: v", v, p));
        a.v = v->data;
    }
    return launch(queue, kernel_of(KERNEL_sgd_f32, p->dtype), &a, shape_each(a.count));
}

odeon_status ops_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *m, const odeon_tensor *v,
                           const odeon_adam *constants)
{
    const odeon_adam *c = constants;
    const double steps = (double)c->step;
    const adam_args a = {.p = p->data,
                         .g = g->data,
                         .m = m->data,
                         .v = v->data,
                         .count = odeon_count(p),
                         .keep = 1.0 - c->lr * c->decay_decoupled,
                         .decay = c->decay_l2,
                         .beta1 = c->beta1,
                         .rest1 = 1.0 - c->beta1,
                         .beta2 = c->beta2,
                         .rest2 = 1.0 - c->beta2,
                         .rate = c->lr / (1.0 - pow(c->beta1, steps)),
                         .root = sqrt(1.0 - pow(c->beta2, steps)),
                         .epsilon = c->epsilon};
    ODEON_TRY(expect_real(queue, "adam_step: p", p, 0));
    ODEON_TRY(expect_like(queue, "adam_step: g", g, p));
    ODEON_TRY(expect_like(queue, "adam_step: m", m, p));
    ODEON_TRY(expect_like(queue, "adam_step: v", v, p));
    return launch(queue, kernel_of(KERNEL_adam_f32, p->dtype), &a, shape_each(a.count));
}

odeon_status ops_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *v, const odeon_tensor *mean,
                              const odeon_tensor *buffer, const odeon_rmsprop *constants)
{
    const odeon_rmsprop *c = constants;
    const rmsprop_args a = {.p = p->data,
                            .g = g->data,
                            .v = v->data,
                            .mean = mean != NULL ? mean->data : NULL,
                            .buffer = buffer != NULL ? buffer->data : NULL,
                            .count = odeon_count(p),
                            .lr = c->lr,
                            .alpha = c->alpha,
                            .rest = 1.0 - c->alpha,
                            .epsilon = c->epsilon,
                            .decay = c->decay,
                            .momentum = c->momentum};
    ODEON_TRY(expect_real(queue, "rmsprop_step: p", p, 0));
    ODEON_TRY(expect_like(queue, "rmsprop_step: g", g, p));
    ODEON_TRY(expect_like(queue, "rmsprop_step: v", v, p));
    ODEON_TRY(expect_like(queue, "rmsprop_step: mean", mean != NULL ? mean : p, p));
    ODEON_TRY(expect_like(queue, "rmsprop_step: buffer", buffer != NULL ? buffer : p, p));
    return launch(queue, kernel_of(KERNEL_rmsprop_f32, p->dtype), &a, shape_each(a.count));
}
