/* Normalizations, with their arguments copied; see calls.h. */
#include "calls.h"

typedef struct group_norm_call {
    int32_t groups;
    double epsilon;
    odeon_tensor x;
    call_optional w, b;
    odeon_tensor y, stats;
} group_norm_call;

static odeon_status carry_group_norm(const stream *s, const void *arguments)
{
    const group_norm_call *c = arguments;
    return s->device->ops->group_norm(s->inner, c->groups, c->epsilon, &c->x, call_given(&c->w),
                                      call_given(&c->b), &c->y, &c->stats);
}

odeon_status call_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                             const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                             const odeon_tensor *y, const odeon_tensor *stats)
{
    group_norm_call call = {.groups = groups,
                            .epsilon = epsilon,
                            .x = *x,
                            .w = call_optional_of(w),
                            .b = call_optional_of(b),
                            .y = *y,
                            .stats = *stats};
    return stream_launch(queue, carry_group_norm, &call, sizeof call);
}

typedef struct group_norm_vjp_call {
    int32_t groups;
    odeon_tensor x;
    call_optional w;
    odeon_tensor stats, dy;
    call_optional dx, dw, db;
} group_norm_vjp_call;

static odeon_status carry_group_norm_vjp(const stream *s, const void *arguments)
{
    const group_norm_vjp_call *c = arguments;
    return s->device->ops->group_norm_vjp(s->inner, c->groups, &c->x, call_given(&c->w), &c->stats,
                                          &c->dy, call_given(&c->dx), call_given(&c->dw),
                                          call_given(&c->db));
}

odeon_status call_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                 const odeon_tensor *w, const odeon_tensor *stats,
                                 const odeon_tensor *dy, const odeon_tensor *dx,
                                 const odeon_tensor *dw, const odeon_tensor *db)
{
    group_norm_vjp_call call = {.groups = groups,
                                .x = *x,
                                .w = call_optional_of(w),
                                .stats = *stats,
                                .dy = *dy,
                                .dx = call_optional_of(dx),
                                .dw = call_optional_of(dw),
                                .db = call_optional_of(db)};
    return stream_launch(queue, carry_group_norm_vjp, &call, sizeof call);
}

typedef struct channel_moment_call {
    odeon_tensor x;
    call_optional mean;
    odeon_tensor out;
} channel_moment_call;

static odeon_status carry_channel_moment(const stream *s, const void *arguments)
{
    const channel_moment_call *c = arguments;
    return s->device->ops->channel_moment(s->inner, &c->x, call_given(&c->mean), &c->out);
}

odeon_status call_channel_moment(odeon_queue *queue, const odeon_tensor *x,
                                 const odeon_tensor *mean, const odeon_tensor *out)
{
    channel_moment_call call = {.x = *x, .mean = call_optional_of(mean), .out = *out};
    return stream_launch(queue, carry_channel_moment, &call, sizeof call);
}

typedef struct batch_norm_call {
    odeon_tensor x, stats;
    call_optional w, b;
    int32_t act;
    odeon_tensor y;
} batch_norm_call;

static odeon_status carry_batch_norm(const stream *s, const void *arguments)
{
    const batch_norm_call *c = arguments;
    return s->device->ops->batch_norm(s->inner, &c->x, &c->stats, call_given(&c->w),
                                      call_given(&c->b), c->act, &c->y);
}

odeon_status call_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                             const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                             const odeon_tensor *y)
{
    batch_norm_call call = {.x = *x,
                            .stats = *stats,
                            .w = call_optional_of(w),
                            .b = call_optional_of(b),
                            .act = act,
                            .y = *y};
    return stream_launch(queue, carry_batch_norm, &call, sizeof call);
}

typedef struct batch_norm_vjp_sums_call {
    odeon_tensor x, stats, dy, sums;
} batch_norm_vjp_sums_call;

static odeon_status carry_batch_norm_vjp_sums(const stream *s, const void *arguments)
{
    const batch_norm_vjp_sums_call *c = arguments;
    return s->device->ops->batch_norm_vjp_sums(s->inner, &c->x, &c->stats, &c->dy, &c->sums);
}

odeon_status call_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                      const odeon_tensor *stats, const odeon_tensor *dy,
                                      const odeon_tensor *sums)
{
    batch_norm_vjp_sums_call call = {.x = *x, .stats = *stats, .dy = *dy, .sums = *sums};
    return stream_launch(queue, carry_batch_norm_vjp_sums, &call, sizeof call);
}

typedef struct batch_norm_vjp_call {
    odeon_tensor x;
    call_optional w;
    odeon_tensor stats, dy, sums;
    double count;
    odeon_tensor dx;
} batch_norm_vjp_call;

static odeon_status carry_batch_norm_vjp(const stream *s, const void *arguments)
{
    const batch_norm_vjp_call *c = arguments;
    return s->device->ops->batch_norm_vjp(s->inner, &c->x, call_given(&c->w), &c->stats, &c->dy,
                                          &c->sums, c->count, &c->dx);
}

odeon_status call_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                 const odeon_tensor *stats, const odeon_tensor *dy,
                                 const odeon_tensor *sums, double count, const odeon_tensor *dx)
{
    batch_norm_vjp_call call = {.x = *x,
                                .w = call_optional_of(w),
                                .stats = *stats,
                                .dy = *dy,
                                .sums = *sums,
                                .count = count,
                                .dx = *dx};
    return stream_launch(queue, carry_batch_norm_vjp, &call, sizeof call);
}
