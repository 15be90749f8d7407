/* Random operators, losses and optimizers, with their arguments copied; see calls.h. */
#include "calls.h"

typedef struct dropout_call {
    uint64_t key;
    int64_t first;
    double p;
    odeon_tensor x, y;
} dropout_call;

static odeon_status carry_dropout(const stream *s, const void *arguments)
{
    const dropout_call *c = arguments;
    return s->device->ops->dropout(s->inner, c->key, c->first, c->p, &c->x, &c->y);
}

odeon_status call_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                          const odeon_tensor *x, const odeon_tensor *y)
{
    dropout_call call = {.key = key, .first = first, .p = p, .x = *x, .y = *y};
    return stream_launch(queue, carry_dropout, &call, sizeof call);
}

typedef struct window2d_call {
    odeon_window2d geometry;
    uint64_t key;
    int64_t first_sample;
    odeon_tensor x, y;
} window2d_call;

static odeon_status carry_window2d(const stream *s, const void *arguments)
{
    const window2d_call *c = arguments;
    return s->device->ops->window2d(s->inner, &c->geometry, c->key, c->first_sample, &c->x, &c->y);
}

odeon_status call_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                           int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y)
{
    window2d_call call = {
        .geometry = *geometry, .key = key, .first_sample = first_sample, .x = *x, .y = *y};
    return stream_launch(queue, carry_window2d, &call, sizeof call);
}

typedef struct window2d_vjp_call {
    odeon_window2d geometry;
    uint64_t key;
    int64_t first_sample;
    odeon_tensor dy, dx;
} window2d_vjp_call;

static odeon_status carry_window2d_vjp(const stream *s, const void *arguments)
{
    const window2d_vjp_call *c = arguments;
    return s->device->ops->window2d_vjp(s->inner, &c->geometry, c->key, c->first_sample, &c->dy,
                                        &c->dx);
}

odeon_status call_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                               int64_t first_sample, const odeon_tensor *dy, const odeon_tensor *dx)
{
    window2d_vjp_call call = {
        .geometry = *geometry, .key = key, .first_sample = first_sample, .dy = *dy, .dx = *dx};
    return stream_launch(queue, carry_window2d_vjp, &call, sizeof call);
}

typedef struct softmax_cross_entropy_call {
    odeon_tensor x, labels;
    double weight;
    odeon_tensor sums;
    call_optional dx;
} softmax_cross_entropy_call;

static odeon_status carry_softmax_cross_entropy(const stream *s, const void *arguments)
{
    const softmax_cross_entropy_call *c = arguments;
    return s->device->ops->softmax_cross_entropy(s->inner, &c->x, &c->labels, c->weight, &c->sums,
                                                 call_given(&c->dx));
}

odeon_status call_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                        const odeon_tensor *labels, double weight,
                                        const odeon_tensor *sums, const odeon_tensor *dx)
{
    softmax_cross_entropy_call call = {
        .x = *x, .labels = *labels, .weight = weight, .sums = *sums, .dx = call_optional_of(dx)};
    return stream_launch(queue, carry_softmax_cross_entropy, &call, sizeof call);
}

typedef struct difference_loss_call {
    int32_t kind;
    double beta;
    odeon_tensor x, target;
    call_optional mask;
    double weight;
    odeon_tensor sums;
    call_optional dx;
} difference_loss_call;

static odeon_status carry_difference_loss(const stream *s, const void *arguments)
{
    const difference_loss_call *c = arguments;
    return s->device->ops->difference_loss(s->inner, c->kind, c->beta, &c->x, &c->target,
                                           call_given(&c->mask), c->weight, &c->sums,
                                           call_given(&c->dx));
}

odeon_status call_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                  const odeon_tensor *x, const odeon_tensor *target,
                                  const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                  const odeon_tensor *dx)
{
    difference_loss_call call = {.kind = kind,
                                 .beta = beta,
                                 .x = *x,
                                 .target = *target,
                                 .mask = call_optional_of(mask),
                                 .weight = weight,
                                 .sums = *sums,
                                 .dx = call_optional_of(dx)};
    return stream_launch(queue, carry_difference_loss, &call, sizeof call);
}

typedef struct sgd_step_call {
    odeon_tensor p, g;
    call_optional v;
    double lr, momentum, decay;
    int32_t nesterov, first;
} sgd_step_call;

static odeon_status carry_sgd_step(const stream *s, const void *arguments)
{
    const sgd_step_call *c = arguments;
    return s->device->ops->sgd_step(s->inner, &c->p, &c->g, call_given(&c->v), c->lr, c->momentum,
                                    c->decay, c->nesterov, c->first);
}

odeon_status call_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *v, double lr, double momentum, double decay,
                           int32_t nesterov, int32_t first)
{
    sgd_step_call call = {.p = *p,
                          .g = *g,
                          .v = call_optional_of(v),
                          .lr = lr,
                          .momentum = momentum,
                          .decay = decay,
                          .nesterov = nesterov,
                          .first = first};
    return stream_launch(queue, carry_sgd_step, &call, sizeof call);
}

typedef struct adam_step_call {
    odeon_tensor p, g, m, v;
    odeon_adam constants;
} adam_step_call;

static odeon_status carry_adam_step(const stream *s, const void *arguments)
{
    const adam_step_call *c = arguments;
    return s->device->ops->adam_step(s->inner, &c->p, &c->g, &c->m, &c->v, &c->constants);
}

odeon_status call_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                            const odeon_tensor *m, const odeon_tensor *v,
                            const odeon_adam *constants)
{
    adam_step_call call = {.p = *p, .g = *g, .m = *m, .v = *v, .constants = *constants};
    return stream_launch(queue, carry_adam_step, &call, sizeof call);
}

typedef struct rmsprop_step_call {
    odeon_tensor p, g, v;
    call_optional mean, buffer;
    odeon_rmsprop constants;
} rmsprop_step_call;

static odeon_status carry_rmsprop_step(const stream *s, const void *arguments)
{
    const rmsprop_step_call *c = arguments;
    return s->device->ops->rmsprop_step(s->inner, &c->p, &c->g, &c->v, call_given(&c->mean),
                                        call_given(&c->buffer), &c->constants);
}

odeon_status call_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                               const odeon_tensor *v, const odeon_tensor *mean,
                               const odeon_tensor *buffer, const odeon_rmsprop *constants)
{
    rmsprop_step_call call = {.p = *p,
                              .g = *g,
                              .v = *v,
                              .mean = call_optional_of(mean),
                              .buffer = call_optional_of(buffer),
                              .constants = *constants};
    return stream_launch(queue, carry_rmsprop_step, &call, sizeof call);
}
