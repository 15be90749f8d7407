/* What moves numbers is linear: it is done to tangents as well. */
#include "dual.h"

static odeon_status copy(odeon_queue *queue, const odeon_copy *call)
{
    RULE(queue, copy, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, move, copy, call));
    return is_real(call->x) ? ON(q, move, copy, .x = &x, .y = &y) : ODEON_OK;
}

/* y' = scale x'; of integers 0. */
static odeon_status cast(odeon_queue *queue, const odeon_cast *call)
{
    RULE(queue, cast, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, move, cast, call));
    if (!is_real(&call->y->view)) {
        return ODEON_OK;
    }
    return is_real(call->x) ? ON(q, move, cast, .x = &x, .y = &y, .scale = call->scale)
                            : dual_zero(q, &y);
}

static odeon_status gather(odeon_queue *queue, const odeon_gather *call)
{
    RULE(queue, gather, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, move, gather, call));
    if (!is_real(&call->y->view)) {
        return ODEON_OK;
    }
    return is_real(call->x)
               ? ON(q, move, gather, .x = &x, .index = call->index, .y = &y, .scale = call->scale)
               : dual_zero(q, &y);
}

/* y' = 0: slots steer, and are constants. */
static odeon_status fill(odeon_queue *queue, const odeon_fill *call)
{
    RULE(queue, fill, call);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, move, fill, call));
    return is_real(&call->y->view) ? dual_zero(q, &y) : ODEON_OK;
}

static odeon_status copy2d(odeon_queue *queue, const odeon_copy2d *call)
{
    RULE(queue, copy2d, call);
    odeon_copy2d dot = *call;
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    dot.x = &x;
    dot.y = &y;
    ODEON_TRY(VALUE(q, move, copy2d, call));
    return is_real(call->x) ? VALUE(q, move, copy2d, &dot) : ODEON_OK;
}

static odeon_status rows_fill(odeon_queue *queue, const odeon_rows_fill *call)
{
    RULE(queue, rows_fill, call);
    odeon_rows_fill dot = *call;
    odeon_view v = twin(q, call->v);
    odeon_tensor y = twin_of(q, call->y);
    dot.v = &v;
    dot.y = &y;
    ODEON_TRY(VALUE(q, move, rows_fill, call));
    return VALUE(q, move, rows_fill, &dot);
}

static odeon_status rows_sum(odeon_queue *queue, const odeon_rows_sum *call)
{
    RULE(queue, rows_sum, call);
    odeon_rows_sum dot = *call;
    odeon_view x = twin(q, call->x);
    odeon_tensor v = twin_of(q, call->v);
    dot.x = &x;
    dot.v = &v;
    ODEON_TRY(VALUE(q, move, rows_sum, call));
    return VALUE(q, move, rows_sum, &dot);
}

const odeon_move_family dual_move = {
    .struct_size = sizeof(odeon_move_family),
    .copy = copy,
    .cast = cast,
    .gather = gather,
    .fill = fill,
    .copy2d = copy2d,
    .rows_fill = rows_fill,
    .rows_sum = rows_sum,
};
