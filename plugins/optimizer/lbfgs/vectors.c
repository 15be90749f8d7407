#include "vectors.h"

#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

enum { SLOT = ODEON_SLOT_USER };

static odeon_status read_slot(const odeon_minimize *call, double *out)
{
    const odeon_update *u = call->update;
    return u->device->ops->slots_read(u->queue, call->slots, SLOT, 1, out);
}

odeon_status vector_dot(const odeon_minimize *call, const odeon_tensor *a, const odeon_tensor *b,
                        double *out)
{
    const odeon_update *u = call->update;
    ODEON_TRY(ODEON_DO(u->device, solver, dot, u->queue, .a = &a->view, .b = &b->view,
                       .slots = call->slots, .slot = SLOT));
    return read_slot(call, out);
}

/* As an error whose scale is 1. */
odeon_status vector_max(const odeon_minimize *call, const odeon_tensor *x, double *out)
{
    const odeon_update *u = call->update;
    const odeon_control control = {
        .struct_size = sizeof control, .norm = ODEON_NORM_MAX, .n_parts = 1, .atol = 1.0};
    const odeon_view *all[1] = {&x->view};
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    ODEON_TRY(ODEON_DO(u->device, solver, error_sum, u->queue, .control = &control, .y0 = &x->view,
                       .y1 = &x->view, .x = all, .coefficient = one, .slots = call->slots, .n = 1,
                       .slot = SLOT));
    return read_slot(call, out);
}

/* Sums are added to what there is. */
odeon_status vector_sum(const odeon_minimize *call, const odeon_tensor *x,
                        const odeon_tensor *spare, double *out)
{
    const odeon_update *u = call->update;
    const double zero = 0.0;
    const odeon_tensor sum = {.view.data = call->slots + SLOT,
                              .view.shape = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}}};
    int64_t n = x->view.shape.dim[0];
    ODEON_TRY(ODEON_DO(u->device, pointwise, unary, u->queue, .id = ODEON_UNARY_ABS, .x = &x->view,
                       .y = spare));
    ODEON_TRY(ODEON_DO(u->device, solver, slots_write, u->queue, .slots = call->slots,
                       .first = SLOT, .n = 1, .values = &zero));
    ODEON_TRY(ODEON_DO(u->device, move, rows_sum, u->queue, .x = &spare->view, .rows = 1, .cols = n,
                       .pitch = n, .v = &sum));
    return read_slot(call, out);
}

odeon_status vector_add(const odeon_minimize *call, const odeon_tensor *y, const odeon_tensor *base,
                        double a, const odeon_tensor *x)
{
    const odeon_update *u = call->update;
    const odeon_view *all[1] = {&x->view};
    const odeon_scalar scale[1] = {odeon_imm(a)};
    return ODEON_DO(u->device, solver, lincomb, u->queue, .y = y,
                    .base = base != NULL ? &base->view : NULL, .n = 1, .x = all,
                    .coefficient = scale);
}

odeon_status vector_copy(const odeon_minimize *call, const odeon_tensor *x, const odeon_tensor *y)
{
    const odeon_update *u = call->update;
    return ODEON_DO(u->device, move, copy, u->queue, .x = &x->view, .y = y);
}
