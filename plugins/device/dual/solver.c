/* What steers a solve is constant: its steps are frozen. States have tangents. */
#include "dual.h"
#include "odeon/device_solver.h"

static odeon_status slots_write(odeon_queue *queue, const odeon_slots_write *call)
{
    static const double zeros[ODEON_MAX_PARTS];
    RULE(queue, slots_write, call);
    odeon_slots_write dot = *call;
    dot.slots = (double *)(void *)((char *)call->slots + q->distance);
    dot.values = zeros;
    ODEON_TRY(VALUE(q, solver, slots_write, call));
    return VALUE(q, solver, slots_write, &dot);
}

static odeon_status stage_times(odeon_queue *queue, const odeon_stage_times *call)
{
    RULE(queue, stage_times, call);
    return VALUE(q, solver, stage_times, call);
}

/* y' = base' + sum of coefficient[i] x[i]' */
static odeon_status lincomb(odeon_queue *queue, const odeon_lincomb *call)
{
    RULE(queue, lincomb, call);
    odeon_lincomb dot = *call;
    odeon_view base, x[ODEON_MAX_STAGES];
    const odeon_view *terms[ODEON_MAX_STAGES];
    odeon_tensor y = twin_of(q, call->y);
    for (int32_t i = 0; i < call->n && i < ODEON_MAX_STAGES; i++) {
        x[i] = twin(q, call->x[i]);
        terms[i] = &x[i];
    }
    dot.y = &y;
    dot.base = twin_or_null(q, call->base, &base);
    dot.x = terms;
    ODEON_TRY(VALUE(q, solver, lincomb, call));
    return VALUE(q, solver, lincomb, &dot);
}

static odeon_status error_sum(odeon_queue *queue, const odeon_error_sum *call)
{
    RULE(queue, error_sum, call);
    return VALUE(q, solver, error_sum, call);
}

/* slot' = a' b + a b' */
static odeon_status inner(odeon_queue *queue, const odeon_dot *call)
{
    RULE(queue, dot, call);
    odeon_view a = twin(q, call->a), b = twin(q, call->b);
    odeon_shape one = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    odeon_tensor sum = odeon_tensor_at((char *)(call->slots + call->slot) + q->distance, one), more;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &one, &more));
    ODEON_TRY(dual_inner(q, &a, call->b, &sum));
    ODEON_TRY(dual_inner(q, call->a, &b, &more));
    ODEON_TRY(dual_add(q, 1.0, &more.view, &sum));
    return VALUE(q, solver, dot, call);
}

static odeon_status step_control(odeon_queue *queue, const odeon_step_control *call)
{
    RULE(queue, step_control, call);
    return VALUE(q, solver, step_control, call);
}

static odeon_status step_start(odeon_queue *queue, const odeon_step_start *call)
{
    RULE(queue, step_start, call);
    return VALUE(q, solver, step_start, call);
}

static odeon_status step_back(odeon_queue *queue, const odeon_step_back *call)
{
    RULE(queue, step_back, call);
    return VALUE(q, solver, step_back, call);
}

/* ---- lists of tensors, moved as one: the same for their tangents ---- */

typedef struct pairs {
    odeon_view x[ODEON_MAX_STAGES];
    odeon_tensor y[ODEON_MAX_STAGES];
    const odeon_view *views[ODEON_MAX_STAGES];
    const odeon_tensor *tensors[ODEON_MAX_STAGES];
} pairs;

static void twins_of(const dual_queue *q, int32_t n, const odeon_view *const *views,
                     const odeon_tensor *const *tensors, pairs *out)
{
    for (int32_t i = 0; i < n && i < ODEON_MAX_STAGES; i++) {
        out->x[i] = twin(q, views[i]);
        out->y[i] = twin_of(q, tensors[i]);
        out->views[i] = &out->x[i];
        out->tensors[i] = &out->y[i];
    }
}

static odeon_status choose(odeon_queue *queue, const odeon_select *call)
{
    RULE(queue, select, call);
    pairs p;
    odeon_select dot = *call;
    twins_of(q, call->n, call->x, call->y, &p);
    dot.x = p.views;
    dot.y = p.tensors;
    ODEON_TRY(VALUE(q, solver, select, &dot));
    return VALUE(q, solver, select, call);
}

static odeon_status row_store(odeon_queue *queue, const odeon_row_store *call)
{
    RULE(queue, row_store, call);
    pairs p;
    odeon_row_store dot = *call;
    twins_of(q, call->n, call->x, call->y, &p);
    dot.x = p.views;
    dot.y = p.tensors;
    ODEON_TRY(VALUE(q, solver, row_store, &dot));
    return VALUE(q, solver, row_store, call);
}

static odeon_status row_load(odeon_queue *queue, const odeon_row_load *call)
{
    RULE(queue, row_load, call);
    pairs p;
    odeon_row_load dot = *call;
    twins_of(q, call->n, call->y, call->x, &p);
    dot.y = p.views;
    dot.x = p.tensors;
    ODEON_TRY(VALUE(q, solver, row_load, &dot));
    return VALUE(q, solver, row_load, call);
}

const odeon_solver_family dual_solver = {
    .struct_size = sizeof(odeon_solver_family),
    .slots_write = slots_write,
    .stage_times = stage_times,
    .lincomb = lincomb,
    .error_sum = error_sum,
    .dot = inner,
    .step_control = step_control,
    .step_start = step_start,
    .select = choose,
    .row_store = row_store,
    .row_load = row_load,
    .step_back = step_back,
};
