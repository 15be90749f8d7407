#include "reference.h"

#include <math.h>

#include "odeon/device_solver.h"
#include "odeon/kit/step_control.h"

static odeon_status reference_slots_write(odeon_queue *queue, const odeon_slots_write *call)
{
    ODEON_TRY(reference_begin(queue, "slots_write", call->flags));
    for (int32_t i = 0; i < call->n; i++) {
        call->slots[call->first + i] = call->values[i];
    }
    return ODEON_OK;
}

static odeon_status reference_stage_times(odeon_queue *queue, const odeon_stage_times *call)
{
    ODEON_TRY(reference_begin(queue, "stage_times", call->flags));
    odeon_kit_stage_times(call->n, call->c, call->slots);
    return ODEON_OK;
}

/* All operands have the model's dtype and count. */
static odeon_status expect_terms(odeon_queue *queue, const odeon_shape *model, int32_t n,
                                 const odeon_view *const *x)
{
    ODEON_TRY(reference_expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                                    "more terms than ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(reference_expect_like(queue, "lincomb, error_sum: x", &x[i]->shape, model));
    }
    return ODEON_OK;
}

/* Element e of sum over i of coefficient[i] x[i]. */
static double combine(int64_t e, int32_t n, const odeon_view *const *x,
                      const odeon_scalar *coefficient, const double *slots)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) {
        sum += odeon_kit_scalar(coefficient[i], slots) * load(x[i], e);
    }
    return sum;
}

/* base or NULL, x[n] -> y, all of one count; y may be base or an x, as elements are independent. */
static odeon_status reference_lincomb(odeon_queue *queue, const odeon_lincomb *call)
{
    ODEON_TRY(reference_begin(queue, "lincomb", call->flags));
    ODEON_TRY(reference_expect_real(queue, "lincomb: y", &call->y->view.shape, 0));
    ODEON_TRY(expect_terms(queue, &call->y->view.shape, call->n, call->x));
    if (call->base != NULL) {
        ODEON_TRY(reference_expect_like(queue, "lincomb: base", &call->base->shape,
                                        &call->y->view.shape));
    }
    for (int64_t e = 0; e < odeon_count(&call->y->view.shape); e++) {
        double sum = combine(e, call->n, call->x, call->coefficient, call->slots);
        store(call->y, e, call->base == NULL ? sum : load(call->base, e) + sum);
    }
    return ODEON_OK;
}

/* y0, y1, x[n] of one count -> slots[slot]. The part's sum is reduced over workers before
 * step_control takes the root. */
static odeon_status reference_error_sum(odeon_queue *queue, const odeon_error_sum *call)
{
    ODEON_TRY(reference_begin(queue, "error_sum", call->flags));
    ODEON_TRY(reference_expect_real(queue, "error_sum: y0", &call->y0->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "error_sum: y1", &call->y1->shape, &call->y0->shape));
    ODEON_TRY(expect_terms(queue, &call->y0->shape, call->n, call->x));
    double sum = 0.0;
    for (int64_t e = 0; e < odeon_count(&call->y0->shape); e++) {
        double size = odeon_kit_larger(fabs(load(call->y0, e)), fabs(load(call->y1, e)));
        double scale = call->control->n_each > 0
                           ? call->control->atol_each[e % call->control->n_each] +
                                 call->control->rtol_each[e % call->control->n_each] * size
                           : call->control->atol + call->control->rtol * size;
        double error = combine(e, call->n, call->x, call->coefficient, call->slots) / scale;
        sum = call->control->norm == ODEON_NORM_MAX ? odeon_kit_larger(sum, fabs(error))
                                                    : sum + error * error;
    }
    call->slots[call->slot] = sum;
    return ODEON_OK;
}

/* a, b of one count -> slots[slot] = sum of a b. */
static odeon_status reference_dot(odeon_queue *queue, const odeon_dot *call)
{
    ODEON_TRY(reference_begin(queue, "dot", call->flags));
    ODEON_TRY(reference_expect_real(queue, "dot: a", &call->a->shape, 0));
    ODEON_TRY(reference_expect_like(queue, "dot: b", &call->b->shape, &call->a->shape));
    double sum = 0.0;
    for (int64_t e = 0; e < odeon_count(&call->a->shape); e++) {
        sum += load(call->a, e) * load(call->b, e);
    }
    call->slots[call->slot] = sum;
    return ODEON_OK;
}

static odeon_status reference_step_control(odeon_queue *queue, const odeon_step_control *call)
{
    ODEON_TRY(reference_begin(queue, "step_control", call->flags));
    odeon_kit_step_control(call->control, call->slots);
    return ODEON_OK;
}

static odeon_status reference_step_start(odeon_queue *queue, const odeon_step_start *call)
{
    ODEON_TRY(reference_begin(queue, "step_start", call->flags));
    odeon_kit_step_start(call->control, call->phase, call->slots);
    return ODEON_OK;
}

static odeon_status reference_step_back(odeon_queue *queue, const odeon_step_back *call)
{
    ODEON_TRY(reference_begin(queue, "step_back", call->flags));
    odeon_kit_step_back(call->slots);
    return ODEON_OK;
}

/* ---- pairs ---- */

/* All three operators take at most ODEON_MAX_STAGES pairs. */
static odeon_status expect_number(odeon_queue *queue, int32_t n)
{
    return reference_expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                                 "select, row_store, row_load: more pairs than ODEON_MAX_STAGES");
}

/* x[i], y[i]: any shape, equal within a pair. All x are read before any y is written, element by
 * element, because a y may be the same tensor as an x. */
static odeon_status reference_select(odeon_queue *queue, const odeon_select *call)
{
    ODEON_TRY(reference_begin(queue, "select", call->flags));
    int64_t longest = 0;
    ODEON_TRY(expect_number(queue, call->n));
    for (int32_t i = 0; i < call->n; i++) {
        ODEON_TRY(reference_expect_real(queue, "select: x", &call->x[i]->shape, 0));
        ODEON_TRY(
            reference_expect_like(queue, "select: y", &call->y[i]->view.shape, &call->x[i]->shape));
        int64_t count = odeon_count(&call->x[i]->shape);
        longest = count > longest ? count : longest;
    }
    for (int64_t e = 0; call->slots[call->slot] != 0.0 && e < longest; e++) {
        double values[ODEON_MAX_STAGES] = {0.0};
        for (int32_t i = 0; i < call->n; i++) {
            values[i] = e < odeon_count(&call->x[i]->shape) ? load(call->x[i], e) : 0.0;
        }
        for (int32_t i = 0; i < call->n; i++) {
            if (e < odeon_count(&call->y[i]->view.shape)) {
                store(call->y[i], e, values[i]);
            }
        }
    }
    return ODEON_OK;
}

/* Checks x of any shape and y [rows, ...] with count(x) elements a row. */
static odeon_status expect_row(odeon_queue *queue, const odeon_shape *x, const odeon_shape *y,
                               int64_t rows)
{
    ODEON_TRY(reference_expect_real(queue, "row_store, row_load: x", x, 0));
    return reference_expect_true(
        queue,
        y->dtype == x->dtype && y->ndim >= 1 && y->dim[0] == rows &&
            odeon_count(y) == rows * odeon_count(x),
        "row_store, row_load: y is not rows of x, as many as in the first pair");
}

/* x[i] -> row slots[slot] of y[i]; nothing if that is no row. */
static odeon_status reference_row_store(odeon_queue *queue, const odeon_row_store *call)
{
    ODEON_TRY(reference_begin(queue, "row_store", call->flags));
    ODEON_TRY(expect_number(queue, call->n));
    int64_t rows = call->n > 0 ? call->y[0]->view.shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        ODEON_TRY(expect_row(queue, &call->x[i]->shape, &call->y[i]->view.shape, rows));
    }
    int64_t row = call->n > 0 ? odeon_kit_row(call->slots, call->slot, rows) : -1;
    for (int32_t i = 0; i < call->n && row >= 0; i++) {
        int64_t count = odeon_count(&call->x[i]->shape);
        for (int64_t e = 0; e < count; e++) {
            store(call->y[i], row * count + e, load(call->x[i], e));
        }
    }
    return ODEON_OK;
}

/* Row slots[slot] of y[i] -> x[i]; nothing if that is no row. */
static odeon_status reference_row_load(odeon_queue *queue, const odeon_row_load *call)
{
    ODEON_TRY(reference_begin(queue, "row_load", call->flags));
    ODEON_TRY(expect_number(queue, call->n));
    int64_t rows = call->n > 0 ? call->y[0]->shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        ODEON_TRY(expect_row(queue, &call->x[i]->view.shape, &call->y[i]->shape, rows));
    }
    int64_t row = call->n > 0 ? odeon_kit_row(call->slots, call->slot, rows) : -1;
    for (int32_t i = 0; i < call->n && row >= 0; i++) {
        int64_t count = odeon_count(&call->x[i]->view.shape);
        for (int64_t e = 0; e < count; e++) {
            store(call->x[i], e, load(call->y[i], row * count + e));
        }
    }
    return ODEON_OK;
}

const odeon_solver_family reference_solver = {
    .struct_size = sizeof(odeon_solver_family),
    .slots_write = reference_slots_write,
    .stage_times = reference_stage_times,
    .lincomb = reference_lincomb,
    .error_sum = reference_error_sum,
    .dot = reference_dot,
    .step_control = reference_step_control,
    .step_start = reference_step_start,
    .select = reference_select,
    .row_store = reference_row_store,
    .row_load = reference_row_load,
    .step_back = reference_step_back,
};
