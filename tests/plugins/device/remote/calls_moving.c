/* Moving and pointwise operators, with their arguments copied; see calls.h. */
#include "calls.h"

typedef struct copy_call {
    odeon_tensor x, y;
} copy_call;

static odeon_status carry_copy(const stream *s, const void *arguments)
{
    const copy_call *c = arguments;
    return s->device->ops->copy(s->inner, &c->x, &c->y);
}

odeon_status call_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y)
{
    copy_call call = {.x = *x, .y = *y};
    return stream_launch(queue, carry_copy, &call, sizeof call);
}

typedef struct cast_call {
    odeon_tensor x;
    double scale, shift;
    odeon_tensor y;
} cast_call;

static odeon_status carry_cast(const stream *s, const void *arguments)
{
    const cast_call *c = arguments;
    return s->device->ops->cast(s->inner, &c->x, c->scale, c->shift, &c->y);
}

odeon_status call_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                       const odeon_tensor *y)
{
    cast_call call = {.x = *x, .scale = scale, .shift = shift, .y = *y};
    return stream_launch(queue, carry_cast, &call, sizeof call);
}

typedef struct gather_call {
    odeon_tensor x, index;
    double scale, shift;
    odeon_tensor y;
} gather_call;

static odeon_status carry_gather(const stream *s, const void *arguments)
{
    const gather_call *c = arguments;
    return s->device->ops->gather(s->inner, &c->x, &c->index, c->scale, c->shift, &c->y);
}

odeon_status call_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                         double scale, double shift, const odeon_tensor *y)
{
    gather_call call = {.x = *x, .index = *index, .scale = scale, .shift = shift, .y = *y};
    return stream_launch(queue, carry_gather, &call, sizeof call);
}

typedef struct fill_call {
    odeon_tensor y;
    odeon_scalar value;
    const double *slots;
} fill_call;

static odeon_status carry_fill(const stream *s, const void *arguments)
{
    const fill_call *c = arguments;
    return s->device->ops->fill(s->inner, &c->y, c->value, c->slots);
}

odeon_status call_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                       const double *slots)
{
    fill_call call = {.y = *y, .value = value, .slots = slots};
    return stream_launch(queue, carry_fill, &call, sizeof call);
}

typedef struct copy2d_call {
    odeon_tensor x, y;
    int64_t rows, cols, x_pitch, x_at, y_pitch, y_at;
} copy2d_call;

static odeon_status carry_copy2d(const stream *s, const void *arguments)
{
    const copy2d_call *c = arguments;
    return s->device->ops->copy2d(s->inner, &c->x, &c->y, c->rows, c->cols, c->x_pitch, c->x_at,
                                  c->y_pitch, c->y_at);
}

odeon_status call_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                         int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                         int64_t y_at)
{
    copy2d_call call = {.x = *x,
                        .y = *y,
                        .rows = rows,
                        .cols = cols,
                        .x_pitch = x_pitch,
                        .x_at = x_at,
                        .y_pitch = y_pitch,
                        .y_at = y_at};
    return stream_launch(queue, carry_copy2d, &call, sizeof call);
}

typedef struct rows_fill_call {
    odeon_tensor y;
    int64_t rows, cols, pitch, at;
    odeon_tensor v;
} rows_fill_call;

static odeon_status carry_rows_fill(const stream *s, const void *arguments)
{
    const rows_fill_call *c = arguments;
    return s->device->ops->rows_fill(s->inner, &c->y, c->rows, c->cols, c->pitch, c->at, &c->v);
}

odeon_status call_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                            int64_t pitch, int64_t at, const odeon_tensor *v)
{
    rows_fill_call call = {.y = *y, .rows = rows, .cols = cols, .pitch = pitch, .at = at, .v = *v};
    return stream_launch(queue, carry_rows_fill, &call, sizeof call);
}

typedef struct rows_sum_call {
    odeon_tensor x;
    int64_t rows, cols, pitch, at;
    odeon_tensor v;
} rows_sum_call;

static odeon_status carry_rows_sum(const stream *s, const void *arguments)
{
    const rows_sum_call *c = arguments;
    return s->device->ops->rows_sum(s->inner, &c->x, c->rows, c->cols, c->pitch, c->at, &c->v);
}

odeon_status call_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v)
{
    rows_sum_call call = {.x = *x, .rows = rows, .cols = cols, .pitch = pitch, .at = at, .v = *v};
    return stream_launch(queue, carry_rows_sum, &call, sizeof call);
}

typedef struct unary_call {
    int32_t id;
    odeon_tensor x, y;
} unary_call;

static odeon_status carry_unary(const stream *s, const void *arguments)
{
    const unary_call *c = arguments;
    return s->device->ops->unary(s->inner, c->id, &c->x, &c->y);
}

odeon_status call_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                        const odeon_tensor *y)
{
    unary_call call = {.id = id, .x = *x, .y = *y};
    return stream_launch(queue, carry_unary, &call, sizeof call);
}

typedef struct unary_vjp_call {
    int32_t id;
    odeon_tensor kept, dy, dx;
} unary_vjp_call;

static odeon_status carry_unary_vjp(const stream *s, const void *arguments)
{
    const unary_vjp_call *c = arguments;
    return s->device->ops->unary_vjp(s->inner, c->id, &c->kept, &c->dy, &c->dx);
}

odeon_status call_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                            const odeon_tensor *dy, const odeon_tensor *dx)
{
    unary_vjp_call call = {.id = id, .kept = *kept, .dy = *dy, .dx = *dx};
    return stream_launch(queue, carry_unary_vjp, &call, sizeof call);
}

typedef struct binary_call {
    int32_t id;
    odeon_tensor a, b, y;
} binary_call;

static odeon_status carry_binary(const stream *s, const void *arguments)
{
    const binary_call *c = arguments;
    return s->device->ops->binary(s->inner, c->id, &c->a, &c->b, &c->y);
}

odeon_status call_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                         const odeon_tensor *b, const odeon_tensor *y)
{
    binary_call call = {.id = id, .a = *a, .b = *b, .y = *y};
    return stream_launch(queue, carry_binary, &call, sizeof call);
}

typedef struct power_call {
    double scale, exponent;
    odeon_tensor x, y;
} power_call;

static odeon_status carry_power(const stream *s, const void *arguments)
{
    const power_call *c = arguments;
    return s->device->ops->power(s->inner, c->scale, c->exponent, &c->x, &c->y);
}

odeon_status call_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                        const odeon_tensor *y)
{
    power_call call = {.scale = scale, .exponent = exponent, .x = *x, .y = *y};
    return stream_launch(queue, carry_power, &call, sizeof call);
}
