/* Which rows of a sequence count: by operators that every device has, in float64, as times are. */
#include "gru_unit.h"
#include "odeon/dataset.h"
#include "odeon/device_pointwise.h"

const odeon_shape *gru_planned_mask(const odeon_layer_plan *plan)
{
    if (plan->n_given <= ODEON_ROLE_MASK) {
        return NULL;
    }
    const odeon_shape *mask = &plan->given[ODEON_ROLE_MASK];
    bool of_rows = mask->dtype != 0 && mask->ndim >= 3 && mask->dim[1] == plan->in.dim[1];
    return of_rows ? mask : NULL;
}

/* The derivative of max(x, 0) is the step. */
odeon_status gru_unit_step(const gru_call *g, const odeon_tensor *x, const odeon_tensor *other)
{
    const odeon_layer_call *call = g->call;
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = &x->view, .y = other));
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = x, .value = odeon_imm(1.0)));
    return ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                    .kept = &other->view, .dy = &x->view, .dx = x);
}

/* sums [B,T]: of a row's numbers in the mask, or the square of its last feature. */
static odeon_status sum_rows(const gru_call *g, const odeon_tensor *sums)
{
    const odeon_layer_call *call = g->call;
    int64_t rows = g->samples * g->steps;
    const odeon_view *x = g->mask != NULL ? g->mask : call->in;
    int64_t width = rows > 0 ? odeon_count(&x->shape) / rows : 0;
    int64_t at = g->mask != NULL ? 0 : width - 1;
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = sums, .value = odeon_imm(0.0)));
    ODEON_TRY(ODEON_DO(call->device, move, rows_sum, call->queue, .x = x, .rows = rows,
                       .cols = width - at, .pitch = width, .at = at, .v = sums));
    return g->mask != NULL ? ODEON_OK
                           : ODEON_DO(call->device, pointwise, unary, call->queue,
                                      .id = ODEON_UNARY_SQUARE, .x = &sums->view, .y = sums);
}

/* mark = 1 where the mask, or the last feature, says so; everywhere without them. */
static odeon_status mark_rows(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    odeon_tensor rows = g->sums;
    rows.view.shape =
        (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {g->samples * g->steps}};
    if (g->mask == NULL && g->unit->rows != ROWS_MARKED) {
        return ODEON_DO(call->device, move, fill, call->queue, .y = &g->mark,
                        .value = odeon_imm(1.0));
    }
    ODEON_TRY(sum_rows(g, &rows));
    for (int64_t i = 0; i < g->steps; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &g->sums.view,
                           .y = &g->mark, .rows = g->samples, .cols = 1, .x_pitch = g->steps,
                           .x_at = gru_position(g, i), .y_pitch = 1, .y_at = i * g->samples));
    }
    return gru_unit_step(g, &g->mark, &g->sums);
}

/* own = 1 where the position of a row is less than the sample's length. */
static odeon_status find_own(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    for (int64_t i = 0; i < g->steps; i++) {
        odeon_tensor own = gru_block(&g->own, i);
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = g->length, .y = &own,
                           .scale = 1.0, .shift = -(double)gru_position(g, i)));
    }
    return gru_unit_step(g, &g->own, &g->sums);
}

odeon_status gru_find_marks(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    if (!g->is_gated || g->samples == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(mark_rows(g));
    if (g->length == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(find_own(g));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                    .a = &g->mark.view, .b = &g->own.view, .y = &g->mark);
}

odeon_status gru_spread_mark(const gru_call *g, int64_t step, const odeon_tensor *y)
{
    odeon_tensor mark = gru_block(&g->mark, step);
    return ODEON_DO(g->call->device, move, rows_fill, g->call->queue, .y = y, .rows = g->samples,
                    .cols = g->units, .pitch = g->units, .v = &mark.view);
}
