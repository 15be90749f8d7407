#include "odeon/device_optimizer.h"
#include "reference.h"

#include <math.h>

/* p, g, v [n]. The first step sets v = g' instead of momentum v + g', as torch.optim.SGD. */
static odeon_status reference_sgd_step(odeon_queue *queue, const odeon_sgd_step *call)
{
    ODEON_TRY(reference_begin(queue, "sgd_step", call->flags));
    ODEON_TRY(reference_expect_real(queue, "sgd_step: p", &call->p->view.shape, 0));
    ODEON_TRY(reference_expect_like(queue, "sgd_step: g", &call->g->shape, &call->p->view.shape));
    if (call->momentum != 0.0) {
        ODEON_TRY(reference_expect_true(queue, call->v != NULL, "sgd_step: momentum without v"));
        ODEON_TRY(reference_expect_like(queue, "sgd_step: v", &call->v->view.shape,
                                        &call->p->view.shape));
    }
    for (int64_t i = 0; i < odeon_count(&call->p->view.shape); i++) {
        double slope = load(call->g, i) + call->decay * load(&call->p->view, i);
        double direction = slope;
        if (call->momentum != 0.0) {
            double velocity =
                call->first ? slope : call->momentum * load(&call->v->view, i) + slope;
            store(call->v, i, velocity);
            direction = call->nesterov ? slope + call->momentum * velocity : velocity;
        }
        store(call->p, i, load(&call->p->view, i) - call->lr * direction);
    }
    return ODEON_OK;
}

/* p, g, m, v [n]. Source: Kingma, Ba, Adam, 2015, alg. 1; decay_decoupled: Loshchilov, Hutter,
 * AdamW, 2019, alg. 2. */
static odeon_status reference_adam_step(odeon_queue *queue, const odeon_adam_step *call)
{
    ODEON_TRY(reference_begin(queue, "adam_step", call->flags));
    ODEON_TRY(reference_expect_real(queue, "adam_step: p", &call->p->view.shape, 0));
    ODEON_TRY(reference_expect_like(queue, "adam_step: g", &call->g->shape, &call->p->view.shape));
    ODEON_TRY(
        reference_expect_like(queue, "adam_step: m", &call->m->view.shape, &call->p->view.shape));
    ODEON_TRY(
        reference_expect_like(queue, "adam_step: v", &call->v->view.shape, &call->p->view.shape));
    double bias1 = 1.0 - pow(call->beta1, (double)call->step);
    double bias2 = 1.0 - pow(call->beta2, (double)call->step);
    for (int64_t i = 0; i < odeon_count(&call->p->view.shape); i++) {
        double parameter =
            load(&call->p->view, i) - call->lr * call->decay_decoupled * load(&call->p->view, i);
        double slope = load(call->g, i) + call->decay_l2 * parameter;
        double mean = call->beta1 * load(&call->m->view, i) + (1.0 - call->beta1) * slope;
        double square = call->beta2 * load(&call->v->view, i) + (1.0 - call->beta2) * slope * slope;
        store(call->m, i, mean);
        store(call->v, i, square);
        store(call->p, i,
              parameter - call->lr / bias1 * mean / (sqrt(square) / sqrt(bias2) + call->epsilon));
    }
    return ODEON_OK;
}

/* p, g, v, mean or NULL, buffer or NULL [n]; as torch.optim.RMSprop, but with max(0, .) before the
 * root. */
static odeon_status reference_rmsprop_step(odeon_queue *queue, const odeon_rmsprop_step *call)
{
    ODEON_TRY(reference_begin(queue, "rmsprop_step", call->flags));
    ODEON_TRY(reference_expect_real(queue, "rmsprop_step: p", &call->p->view.shape, 0));
    ODEON_TRY(
        reference_expect_like(queue, "rmsprop_step: g", &call->g->shape, &call->p->view.shape));
    ODEON_TRY(reference_expect_like(queue, "rmsprop_step: v", &call->v->view.shape,
                                    &call->p->view.shape));
    ODEON_TRY(reference_expect_optional(queue, "rmsprop_step: mean", odeon_as_view(call->mean),
                                        &call->p->view.shape));
    ODEON_TRY(reference_expect_optional(queue, "rmsprop_step: buffer", odeon_as_view(call->buffer),
                                        &call->p->view.shape));
    for (int64_t i = 0; i < odeon_count(&call->p->view.shape); i++) {
        double slope = load(call->g, i) + call->decay * load(&call->p->view, i);
        double square = call->alpha * load(&call->v->view, i) + (1.0 - call->alpha) * slope * slope,
               spread = square;
        store(call->v, i, square);
        if (call->mean != NULL) {
            double average = call->alpha * load(&call->mean->view, i) + (1.0 - call->alpha) * slope;
            store(call->mean, i, average);
            spread = square - average * average;
            spread = spread < 0.0 ? 0.0 : spread; /* rounding can make it negative; NaN stays */
        }
        double step = slope / (sqrt(spread) + call->epsilon);
        if (call->buffer != NULL) {
            step += call->momentum * load(&call->buffer->view, i);
            store(call->buffer, i, step);
        }
        store(call->p, i, load(&call->p->view, i) - call->lr * step);
    }
    return ODEON_OK;
}

const odeon_optimizer_family reference_optimizer = {
    .struct_size = sizeof(odeon_optimizer_family),
    .sgd_step = reference_sgd_step,
    .adam_step = reference_adam_step,
    .rmsprop_step = reference_rmsprop_step,
};
