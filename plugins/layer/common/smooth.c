#include "smooth.h"

static uint64_t part_bytes(const odeon_shape *x)
{
    return ((uint64_t)odeon_bytes(x) + 63) / 64 * 64;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    plan->scratch_bytes = 2 * part_bytes(&plan->in);
    return ODEON_OK;
}

static smooth_work work_of(const odeon_layer_call *call, const odeon_tensor *y)
{
    const odeon_shape *shape = &call->in->shape;
    char *second = (char *)call->scratch + part_bytes(shape);
    return (smooth_work){.call = call,
                         .x = call->in,
                         .y = y,
                         .a = odeon_tensor_at(call->scratch, *shape),
                         .b = odeon_tensor_at(second, *shape)};
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const smooth *layer = self;
    smooth_work w = work_of(call, call->out);
    return layer->value(&w, layer->parameter);
}

/* d_in = f'(in) d_out. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const smooth *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    smooth_work w = work_of(call, call->d_in);
    ODEON_TRY(layer->slope(&w, layer->parameter));
    return smooth_multiply(&w, call->d_out, call->d_in);
}

const odeon_layer_ops smooth_ops = {
    .struct_size = sizeof(odeon_layer_ops), .plan = plan, .forward = forward, .vjp = vjp};

odeon_status smooth_unary(const smooth_work *w, int32_t id, const odeon_view *x,
                          const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, pointwise, unary, w->call->queue, .id = id, .x = x, .y = y);
}

odeon_status smooth_affine(const smooth_work *w, double scale, double shift, const odeon_view *x,
                           const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, move, cast, w->call->queue, .scale = scale, .shift = shift,
                    .x = x, .y = y);
}

static odeon_status binary(const smooth_work *w, int32_t id, const odeon_view *x,
                           const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, pointwise, binary, w->call->queue, .id = id, .a = &y->view,
                    .b = x, .y = y);
}

odeon_status smooth_multiply(const smooth_work *w, const odeon_view *x, const odeon_tensor *y)
{
    return binary(w, ODEON_BINARY_MUL, x, y);
}

odeon_status smooth_add(const smooth_work *w, const odeon_view *x, const odeon_tensor *y)
{
    return binary(w, ODEON_BINARY_ADD, x, y);
}

/* The vjp of relu with the cotangent 1. */
odeon_status smooth_step(const smooth_work *w, const odeon_tensor *y)
{
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_RELU, w->x, &w->a));
    ODEON_TRY(
        ODEON_DO(w->call->device, move, fill, w->call->queue, .y = &w->b, .value = odeon_imm(1.0)));
    return ODEON_DO(w->call->device, pointwise, unary_vjp, w->call->queue, .id = ODEON_UNARY_RELU,
                    .kept = &w->a.view, .dy = &w->b.view, .dx = y);
}
