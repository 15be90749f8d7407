/* Softmax, whose Jacobian is symmetric, and its vjp V(y, g) = y (g - <y, g>), <> being sums over a
 * row. */
#include "dual.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"

/* y' = V(y, x') */
odeon_status dual_softmax(odeon_queue *queue, const odeon_softmax *call)
{
    RULE(queue, softmax, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, norm, softmax, call));
    return ON(q, norm, softmax_vjp, .y = &call->y->view, .dy = &x, .dx = &y);
}

/* out = factor <a>, the sum of each row of a in all places of the row. sums: F64 [rows]. */
static odeon_status spread_sums(dual_queue *q, const odeon_view *a, const odeon_view *factor,
                                const odeon_tensor *sums, const odeon_tensor *out)
{
    int64_t cols = a->shape.dim[2], rows = a->shape.dim[0] * a->shape.dim[1];
    ODEON_TRY(dual_zero(q, sums));
    ODEON_TRY(ON(q, move, rows_sum, .x = a, .rows = rows, .cols = cols, .pitch = cols, .v = sums));
    ODEON_TRY(ON(q, move, rows_fill, .y = out, .rows = rows, .cols = cols, .pitch = cols,
                 .v = &sums->view));
    return dual_multiply(q, factor, &out->view, out);
}

/* dx' = V(y, g') + y' g - y <y' g> - y' <y g>, of which all but the first is made before dx, which
 * may be dy, is written. */
odeon_status dual_softmax_vjp(odeon_queue *queue, const odeon_softmax_vjp *call)
{
    RULE(queue, softmax_vjp, call);
    odeon_view y = twin(q, call->y), dy = twin(q, call->dy);
    odeon_tensor dx = twin_of(q, call->dx), product, part, by_y, sums;
    int64_t rows = y.shape.dim[0] * y.shape.dim[1];
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &y.shape, &product));
    ODEON_TRY(dual_temp(q, &y.shape, &part));
    ODEON_TRY(dual_temp(q, &y.shape, &by_y));
    ODEON_TRY(dual_temp_f64(q, 1, &rows, &sums));
    ODEON_TRY(dual_multiply(q, call->y, call->dy, &product));
    ODEON_TRY(spread_sums(q, &product.view, &y, &sums, &part));
    ODEON_TRY(dual_multiply(q, &y, call->dy, &product));
    ODEON_TRY(spread_sums(q, &product.view, call->y, &sums, &by_y));
    ODEON_TRY(dual_add(q, -1.0, &part.view, &product));
    ODEON_TRY(dual_add(q, -1.0, &by_y.view, &product));
    ODEON_TRY(ON(q, norm, softmax_vjp, .y = call->y, .dy = &dy, .dx = &dx));
    ODEON_TRY(dual_add(q, 1.0, &product.view, &dx));
    return VALUE(q, norm, softmax_vjp, call);
}
