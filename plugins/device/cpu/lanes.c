/* Rows that step by themselves: for each entry the kernels of solver.c over its row, in one call of
 * an operator. */
#include "odeon/device_lanes.h"

#include <string.h>

#include "cpu.h"
#include "odeon/kit/step_control.h"

static double *block_of(const odeon_lanes *lanes, int64_t i)
{
    return lanes->slots + (int64_t)lanes->block[i] * ODEON_SLOTS;
}

static int64_t row_of(const odeon_lanes *lanes, int64_t i)
{
    return lanes->row != NULL ? lanes->row[i] : i;
}

/* Begins an operator on control blocks, which are double whatever the dtype of the state. */
static odeon_status begin_scalars(odeon_queue *queue, const char *name, uint32_t flags)
{
    const cpu_kernels *k;
    return cpu_begin(queue, name, flags, ODEON_DTYPE_F64, &k);
}

static odeon_status require_slots(odeon_queue *queue, int32_t first, int32_t count)
{
    return cpu_require(queue, first >= 0 && count >= 0 && first + count <= ODEON_SLOTS, "lanes",
                       "within the control block");
}

/* x has rows as wide as model's. */
static int32_t are_rows(const odeon_shape *x, const odeon_shape *model)
{
    return x->ndim == 2 && model->ndim == 2 && x->dtype == model->dtype &&
           x->dim[1] == model->dim[1];
}

static odeon_status require_terms(odeon_queue *queue, const odeon_shape *model, int32_t n,
                                  const odeon_view *const *x)
{
    int32_t fit = n >= 0 && n <= ODEON_MAX_STAGES;
    for (int32_t k = 0; k < n && fit; k++) {
        fit = are_rows(&x[k]->shape, model);
    }
    return cpu_require(queue, fit, "lanes", "at most ODEON_MAX_STAGES terms, rows of one width");
}

/* ---- control blocks ---- */

static odeon_status lanes_write(odeon_queue *queue, const odeon_lanes_write *call)
{
    ODEON_TRY(begin_scalars(queue, "lanes.write", call->flags));
    ODEON_TRY(require_slots(queue, call->first, call->count));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        memcpy(block_of(call->lanes, i) + call->first, call->values + i * call->count,
               (size_t)call->count * sizeof(double));
    }
    return ODEON_OK;
}

static odeon_status lanes_read(odeon_queue *queue, const odeon_lanes_read *call)
{
    ODEON_TRY(begin_scalars(queue, "lanes.read", call->flags));
    ODEON_TRY(require_slots(queue, call->first, call->count));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        memcpy(call->y + i * call->count, block_of(call->lanes, i) + call->first,
               (size_t)call->count * sizeof(double));
    }
    return ODEON_OK;
}

static odeon_status lanes_times(odeon_queue *queue, const odeon_lanes_times *call)
{
    ODEON_TRY(begin_scalars(queue, "lanes.times", call->flags));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        const double *slots = block_of(call->lanes, i);
        for (int32_t k = 0; k < call->count; k++) {
            call->t[k * call->lanes->n + i] =
                slots[ODEON_SLOT_T] + call->c[k] * slots[ODEON_SLOT_H];
        }
    }
    return ODEON_OK;
}

static odeon_status lanes_step_control(odeon_queue *queue, const odeon_lanes_step *call)
{
    ODEON_TRY(begin_scalars(queue, "lanes.step_control", call->flags));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        odeon_kit_step_control(call->control, block_of(call->lanes, i));
    }
    return ODEON_OK;
}

static odeon_status lanes_step_start(odeon_queue *queue, const odeon_lanes_step *call)
{
    ODEON_TRY(begin_scalars(queue, "lanes.step_start", call->flags));
    for (int64_t i = 0; i < call->lanes->n; i++) {
        odeon_kit_step_start(call->control, call->phase, block_of(call->lanes, i));
    }
    return ODEON_OK;
}

/* ---- rows ---- */

/* The operands of one row in the form that the kernels take. */
typedef struct terms {
    int32_t n;
    const void *x[ODEON_MAX_STAGES];
    double c[ODEON_MAX_STAGES];
} terms;

/* Where vectors begin, and how many bytes a row of them has. */
typedef struct operands {
    const char *x[ODEON_MAX_STAGES];
    int64_t row_bytes;
} operands;

static operands operands_of(const odeon_shape *model, int32_t n, const odeon_view *const *x)
{
    operands out = {.row_bytes = model->dim[1] * odeon_dtype_bytes(model->dtype)};
    for (int32_t k = 0; k < n; k++) {
        out.x[k] = odeon_read(x[k]);
    }
    return out;
}

/* All of the same row, by coefficients that the entry's block completes. */
static void gather_row(terms *t, const operands *o, const odeon_lanes *lanes, int64_t i, int32_t n,
                       const odeon_scalar *coefficient)
{
    const double *slots = block_of(lanes, i);
    int64_t at = row_of(lanes, i) * o->row_bytes;
    t->n = n;
    for (int32_t k = 0; k < n; k++) {
        t->x[k] = o->x[k] + at;
        t->c[k] = odeon_kit_scalar(coefficient[k], slots);
    }
}

/* Each of a row of its own; those of no row are left out. */
static void gather_rows(terms *t, const operands *o, const odeon_lanes_lincomb *call, int64_t i)
{
    const odeon_lanes *lanes = call->lanes;
    t->n = 0;
    for (int32_t k = 0; k < call->n; k++) {
        int64_t row = call->x_row != NULL ? call->x_row[k * lanes->n + i] : row_of(lanes, i);
        if (row < 0) {
            continue;
        }
        t->x[t->n] = o->x[k] + row * o->row_bytes;
        t->c[t->n++] = call->weight != NULL
                           ? call->weight[k * lanes->n + i]
                           : odeon_kit_scalar(call->coefficient[k], block_of(lanes, i));
    }
}

static odeon_status lanes_lincomb(odeon_queue *queue, const odeon_lanes_lincomb *call)
{
    const odeon_lanes *lanes = call->lanes;
    const odeon_shape *shape = &call->y->view.shape;
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "lanes.lincomb", call->flags, shape->dtype, &k));
    ODEON_TRY(require_terms(queue, shape, call->n, call->x));
    ODEON_TRY(cpu_require(queue, call->base == NULL || are_rows(&call->base->shape, shape),
                          "lanes.lincomb", "rows of one width"));
    operands o = operands_of(shape, call->n, call->x);
    char *y = odeon_write(call->y);
    const char *base = read_or_null(call->base);
    int32_t alike = call->weight == NULL && call->x_row == NULL;
    terms t;
    for (int64_t i = 0; i < lanes->n; i++) {
        int64_t row = row_of(lanes, i), to = call->y_row != NULL ? call->y_row[i] : row;
        if (alike) {
            gather_row(&t, &o, lanes, i, call->n, call->coefficient);
        } else {
            gather_rows(&t, &o, call, i);
        }
        k->lincomb(shape->dim[1], y + to * o.row_bytes,
                   base != NULL ? base + row * o.row_bytes : NULL, t.n, t.x, t.c);
    }
    return ODEON_OK;
}

static odeon_status lanes_error_sum(odeon_queue *queue, const odeon_lanes_error_sum *call)
{
    const odeon_shape *shape = &call->y0->shape;
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "lanes.error_sum", call->flags, shape->dtype, &k));
    ODEON_TRY(require_terms(queue, shape, call->n, call->x));
    ODEON_TRY(require_slots(queue, call->slot, 1));
    ODEON_TRY(cpu_require(queue, are_rows(&call->y1->shape, shape), "lanes.error_sum",
                          "rows of one width"));
    operands o = operands_of(shape, call->n, call->x);
    const char *y0 = odeon_read(call->y0), *y1 = odeon_read(call->y1);
    terms t;
    for (int64_t i = 0; i < call->lanes->n; i++) {
        int64_t at = row_of(call->lanes, i) * o.row_bytes;
        gather_row(&t, &o, call->lanes, i, call->n, call->coefficient);
        block_of(call->lanes, i)[call->slot] =
            k->error_sum(shape->dim[1], call->control, y0 + at, y1 + at, t.n, t.x, t.c, NULL, 0);
    }
    return ODEON_OK;
}

static odeon_status lanes_move(odeon_queue *queue, const odeon_lanes_move *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "lanes.move", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, are_rows(&call->x->shape, &call->y->view.shape), "lanes.move",
                          "rows of one width"));
    int64_t bytes = call->x->shape.dim[1] * odeon_dtype_bytes(call->x->shape.dtype);
    const char *x = odeon_read(call->x);
    char *y = odeon_write(call->y);
    for (int64_t i = 0; i < call->n; i++) {
        int64_t from = call->x_row != NULL ? call->x_row[i] : i;
        int64_t to = call->y_row != NULL ? call->y_row[i] : i;
        memcpy(y + to * bytes, x + from * bytes, (size_t)bytes);
    }
    return ODEON_OK;
}

/* OpenBLAS treats the last rows of a product in another way than those before them. */
static odeon_status lanes_apart(odeon_queue *queue, int32_t on)
{
    cpu_queue_of(queue)->rows_apart = on;
    return ODEON_OK;
}

const odeon_device_lanes cpu_lanes = {
    .struct_size = sizeof(odeon_device_lanes),
    .solver = &cpu_solver,
    .write = lanes_write,
    .read = lanes_read,
    .times = lanes_times,
    .lincomb = lanes_lincomb,
    .error_sum = lanes_error_sum,
    .step_control = lanes_step_control,
    .step_start = lanes_step_start,
    .move = lanes_move,
    .apart = lanes_apart,
};
