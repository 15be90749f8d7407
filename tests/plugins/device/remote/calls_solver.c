/* The solver's operators, with their arguments copied; see calls.h. */
#include <assert.h>

#include "calls.h"

typedef struct slots_write_call {
    double *slots;
    int32_t first, n;
    double values[ODEON_MAX_PARTS];
} slots_write_call;

static odeon_status carry_slots_write(const stream *s, const void *arguments)
{
    const slots_write_call *c = arguments;
    return s->device->ops->slots_write(s->inner, c->slots, c->first, c->n, c->values);
}

odeon_status call_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                              const double *values)
{
    slots_write_call call = {.slots = slots, .first = first, .n = n};
    call_numbers_of(n, ODEON_MAX_PARTS, values, call.values);
    return stream_launch(queue, carry_slots_write, &call, sizeof call);
}

typedef struct stage_times_call {
    int32_t n;
    double c[ODEON_MAX_STAGES];
    double *slots;
} stage_times_call;

static odeon_status carry_stage_times(const stream *s, const void *arguments)
{
    const stage_times_call *c = arguments;
    return s->device->ops->stage_times(s->inner, c->n, c->c, c->slots);
}

odeon_status call_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots)
{
    stage_times_call call = {.n = n, .slots = slots};
    call_numbers_of(n, ODEON_MAX_STAGES, c, call.c);
    return stream_launch(queue, carry_stage_times, &call, sizeof call);
}

typedef struct lincomb_call {
    odeon_tensor y;
    call_optional base;
    int32_t n;
    call_terms terms;
    const double *slots;
} lincomb_call;

static odeon_status carry_lincomb(const stream *s, const void *arguments)
{
    const lincomb_call *c = arguments;
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    call_point(&c->terms, pointers);
    return s->device->ops->lincomb(s->inner, &c->y, call_given(&c->base), c->n, pointers,
                                   c->terms.coefficient, c->slots);
}

odeon_status call_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                          int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                          const double *slots)
{
    lincomb_call call = {.y = *y, .base = call_optional_of(base), .n = n, .slots = slots};
    call_terms_of(n, x, coefficient, &call.terms);
    return stream_launch(queue, carry_lincomb, &call, sizeof call);
}

typedef struct error_sum_call {
    odeon_control control;
    odeon_tensor y0, y1;
    int32_t n;
    call_terms terms;
    double *slots;
    int32_t slot;
} error_sum_call;

static_assert(sizeof(error_sum_call) <= STREAM_CALL_BYTES,
              "a call holds every operator's arguments");

static odeon_status carry_error_sum(const stream *s, const void *arguments)
{
    const error_sum_call *c = arguments;
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    call_point(&c->terms, pointers);
    return s->device->ops->error_sum(s->inner, &c->control, &c->y0, &c->y1, c->n, pointers,
                                     c->terms.coefficient, c->slots, c->slot);
}

odeon_status call_error_sum(odeon_queue *queue, const odeon_control *control,
                            const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                            const odeon_tensor *const *x, const odeon_scalar *coefficient,
                            double *slots, int32_t slot)
{
    error_sum_call call = {
        .control = *control, .y0 = *y0, .y1 = *y1, .n = n, .slots = slots, .slot = slot};
    call_terms_of(n, x, coefficient, &call.terms);
    return stream_launch(queue, carry_error_sum, &call, sizeof call);
}

typedef struct dot_call {
    odeon_tensor a, b;
    double *slots;
    int32_t slot;
} dot_call;

static odeon_status carry_dot(const stream *s, const void *arguments)
{
    const dot_call *c = arguments;
    return s->device->ops->dot(s->inner, &c->a, &c->b, c->slots, c->slot);
}

odeon_status call_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                      double *slots, int32_t slot)
{
    dot_call call = {.a = *a, .b = *b, .slots = slots, .slot = slot};
    return stream_launch(queue, carry_dot, &call, sizeof call);
}

typedef struct step_control_call {
    odeon_control control;
    double *slots;
} step_control_call;

static odeon_status carry_step_control(const stream *s, const void *arguments)
{
    const step_control_call *c = arguments;
    return s->device->ops->step_control(s->inner, &c->control, c->slots);
}

odeon_status call_step_control(odeon_queue *queue, const odeon_control *control, double *slots)
{
    step_control_call call = {.control = *control, .slots = slots};
    return stream_launch(queue, carry_step_control, &call, sizeof call);
}

typedef struct step_start_call {
    odeon_control control;
    int32_t phase;
    double *slots;
} step_start_call;

static odeon_status carry_step_start(const stream *s, const void *arguments)
{
    const step_start_call *c = arguments;
    return s->device->ops->step_start(s->inner, &c->control, c->phase, c->slots);
}

odeon_status call_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                             double *slots)
{
    step_start_call call = {.control = *control, .phase = phase, .slots = slots};
    return stream_launch(queue, carry_step_start, &call, sizeof call);
}

typedef struct step_back_call {
    double *slots;
} step_back_call;

static odeon_status carry_step_back(const stream *s, const void *arguments)
{
    const step_back_call *c = arguments;
    return s->device->ops->step_back(s->inner, c->slots);
}

odeon_status call_step_back(odeon_queue *queue, double *slots)
{
    step_back_call call = {.slots = slots};
    return stream_launch(queue, carry_step_back, &call, sizeof call);
}
