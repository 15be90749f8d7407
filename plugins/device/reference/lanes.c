/* Rows that step by themselves: for each entry the loops of solver.c over its row. */
#include "odeon/device_lanes.h"

#include <math.h>

#include "odeon/kit/step_control.h"
#include "reference.h"

static double *block_of(const odeon_lanes *lanes, int64_t i)
{
    return lanes->slots + (int64_t)lanes->block[i] * ODEON_SLOTS;
}

static int64_t row_of(const odeon_lanes *lanes, int64_t i)
{
    return lanes->row != NULL ? lanes->row[i] : i;
}

/* x has rows as wide as model's. */
static odeon_status expect_rows(odeon_queue *queue, const odeon_shape *x, const odeon_shape *model)
{
    return reference_expect_true(queue,
                                 x->ndim == 2 && model->ndim == 2 && x->dtype == model->dtype &&
                                     x->dim[1] == model->dim[1],
                                 "lanes: operands are not rows of one dtype and width");
}

static odeon_status expect_terms(odeon_queue *queue, const odeon_shape *model, int32_t n,
                                 const odeon_view *const *x)
{
    ODEON_TRY(reference_expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                                    "lanes: more terms than ODEON_MAX_STAGES"));
    for (int32_t k = 0; k < n; k++) {
        ODEON_TRY(expect_rows(queue, &x[k]->shape, model));
    }
    return ODEON_OK;
}

static odeon_status expect_slots(odeon_queue *queue, int32_t first, int32_t count)
{
    return reference_expect_true(queue, first >= 0 && count >= 0 && first + count <= ODEON_SLOTS,
                                 "lanes: slots beyond the control block");
}

/* ---- control blocks ---- */

static odeon_status lanes_write(odeon_queue *queue, const odeon_lanes_write *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.write", call->flags));
    ODEON_TRY(expect_slots(queue, call->first, call->count));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        for (int32_t k = 0; k < call->count; k++) {
            block_of(call->lanes, i)[call->first + k] = call->values[i * call->count + k];
        }
    }
    return ODEON_OK;
}

static odeon_status lanes_read(odeon_queue *queue, const odeon_lanes_read *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.read", call->flags));
    ODEON_TRY(expect_slots(queue, call->first, call->count));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        for (int32_t k = 0; k < call->count; k++) {
            call->y[i * call->count + k] = block_of(call->lanes, i)[call->first + k];
        }
    }
    return ODEON_OK;
}

static odeon_status lanes_times(odeon_queue *queue, const odeon_lanes_times *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.times", call->flags));
    for (int32_t k = 0; k < call->count; k++) {
        for (int64_t i = 0; i < call->lanes->n; i++) {
            const double *slots = block_of(call->lanes, i);
            call->t[k * call->lanes->n + i] =
                slots[ODEON_SLOT_T] + call->c[k] * slots[ODEON_SLOT_H];
        }
    }
    return ODEON_OK;
}

static odeon_status lanes_step_control(odeon_queue *queue, const odeon_lanes_step *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.step_control", call->flags));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        odeon_kit_step_control(call->control, block_of(call->lanes, i));
    }
    return ODEON_OK;
}

static odeon_status lanes_step_start(odeon_queue *queue, const odeon_lanes_step *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.step_start", call->flags));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        odeon_kit_step_start(call->control, call->phase, block_of(call->lanes, i));
    }
    return ODEON_OK;
}

/* ---- rows ---- */

/* The coefficient of term k for entry i. */
static double coefficient_of(const odeon_lanes_lincomb *call, int32_t k, int64_t i)
{
    return call->weight != NULL ? call->weight[k * call->lanes->n + i]
                                : odeon_kit_scalar(call->coefficient[k], block_of(call->lanes, i));
}

/* Element e of the row that term k has for entry i, times its coefficient. */
static double term(const odeon_lanes_lincomb *call, int32_t k, int64_t i, int64_t e)
{
    int64_t row =
        call->x_row != NULL ? call->x_row[k * call->lanes->n + i] : row_of(call->lanes, i);
    int64_t width = call->y->view.shape.dim[1];
    return row < 0 ? 0.0 : coefficient_of(call, k, i) * load(call->x[k], row * width + e);
}

static int32_t has_terms(const odeon_lanes_lincomb *call, int64_t i)
{
    int32_t n = 0;
    for (int32_t k = 0; k < call->n; k++) {
        n += call->x_row == NULL || call->x_row[k * call->lanes->n + i] >= 0;
    }
    return n > 0;
}

/* A row without terms is copied, which keeps the sign of a zero. */
static void combine_row(const odeon_lanes_lincomb *call, int64_t i)
{
    int64_t width = call->y->view.shape.dim[1], row = row_of(call->lanes, i);
    int64_t to = call->y_row != NULL ? call->y_row[i] : row;
    int32_t any = has_terms(call, i);
    for (int64_t e = 0; e < width; e++) {
        double sum = 0.0;
        for (int32_t k = 0; k < call->n; k++) {
            sum += term(call, k, i, e);
        }
        double base = call->base != NULL ? load(call->base, row * width + e) : 0.0;
        store(call->y, to * width + e, call->base == NULL ? sum : any ? base + sum : base);
    }
}

static odeon_status lanes_lincomb(odeon_queue *queue, const odeon_lanes_lincomb *call)
{
    const odeon_shape *y = &call->y->view.shape;
    ODEON_TRY(reference_begin(queue, "lanes.lincomb", call->flags));
    ODEON_TRY(reference_expect_real(queue, "lanes.lincomb: y", y, 2));
    ODEON_TRY(expect_terms(queue, y, call->n, call->x));
    ODEON_TRY(call->base != NULL ? expect_rows(queue, &call->base->shape, y) : ODEON_OK);
    for (int64_t i = 0; i < call->lanes->n; i++) {
        combine_row(call, i);
    }
    return ODEON_OK;
}

/* Element e of the error of entry i. */
static double error_of(const odeon_lanes_error_sum *call, int64_t i, int64_t e)
{
    int64_t at = row_of(call->lanes, i) * call->y0->shape.dim[1] + e;
    double sum = 0.0;
    for (int32_t k = 0; k < call->n; k++) {
        sum +=
            odeon_kit_scalar(call->coefficient[k], block_of(call->lanes, i)) * load(call->x[k], at);
    }
    const odeon_control *c = call->control;
    double size = odeon_kit_larger(fabs(load(call->y0, at)), fabs(load(call->y1, at)));
    double scale = c->n_each > 0 ? c->atol_each[e % c->n_each] + c->rtol_each[e % c->n_each] * size
                                 : c->atol + c->rtol * size;
    return sum / scale;
}

static odeon_status lanes_error_sum(odeon_queue *queue, const odeon_lanes_error_sum *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.error_sum", call->flags));
    ODEON_TRY(reference_expect_real(queue, "lanes.error_sum: y0", &call->y0->shape, 2));
    ODEON_TRY(expect_rows(queue, &call->y1->shape, &call->y0->shape));
    ODEON_TRY(expect_terms(queue, &call->y0->shape, call->n, call->x));
    ODEON_TRY(expect_slots(queue, call->slot, 1));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        double sum = 0.0;
        for (int64_t e = 0; e < call->y0->shape.dim[1]; e++) {
            double error = error_of(call, i, e);
            sum = call->control->norm == ODEON_NORM_MAX ? odeon_kit_larger(sum, fabs(error))
                                                        : sum + error * error;
        }
        block_of(call->lanes, i)[call->slot] = sum;
    }
    return ODEON_OK;
}

static odeon_status lanes_move(odeon_queue *queue, const odeon_lanes_move *call)
{
    ODEON_TRY(reference_begin(queue, "lanes.move", call->flags));
    ODEON_TRY(reference_expect_real(queue, "lanes.move: x", &call->x->shape, 2));
    ODEON_TRY(expect_rows(queue, &call->y->view.shape, &call->x->shape));
    int64_t width = call->x->shape.dim[1];
    for (int64_t i = 0; i < call->n; i++) {
        int64_t from = call->x_row != NULL ? call->x_row[i] : i;
        int64_t to = call->y_row != NULL ? call->y_row[i] : i;
        for (int64_t e = 0; e < width; e++) {
            store(call->y, to * width + e, load(call->x, from * width + e));
        }
    }
    return ODEON_OK;
}

const odeon_device_lanes reference_lanes = {
    .struct_size = sizeof(odeon_device_lanes),
    .solver = &reference_solver,
    .write = lanes_write,
    .read = lanes_read,
    .times = lanes_times,
    .lincomb = lanes_lincomb,
    .error_sum = lanes_error_sum,
    .step_control = lanes_step_control,
    .step_start = lanes_step_start,
    .move = lanes_move,
};
