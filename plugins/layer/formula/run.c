#include "run.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* State of one forward or vjp call. */
typedef struct running {
    const program *program;
    const odeon_device *device;
    odeon_queue *queue;
    const odeon_layer_call *call;
    int64_t rows, times; /* numbers of a column; numbers in t, 1 or the samples */
    uint32_t dtype;
    bool doubles; /* timed values are computed separately, in double */
    /* Reverse pass: has the cotangent of the value been written yet, as a column, or in double for
     * a timed value? */
    bool is_set[PROGRAM_MAX_VALUES], is_set_timed[PROGRAM_MAX_VALUES];
} running;

/* Bytes of one column, rounded up so that every column is aligned. */
static uint64_t column_bytes(int64_t rows, uint32_t dtype)
{
    return ((uint64_t)(rows * odeon_dtype_bytes(dtype)) + 63) / 64 * 64;
}

static int64_t width_of(const odeon_shape *x)
{
    return x->dim[x->ndim - 1];
}

/* x [B,...,N]: B times what lies between. */
static int64_t rows_of(const odeon_shape *x)
{
    int64_t rows = x->dim[0];
    for (int32_t i = 1; i < x->ndim - 1; i++) {
        rows *= x->dim[i];
    }
    return rows;
}

uint64_t run_tape_bytes(const program *p, const odeon_shape *in)
{
    return (uint64_t)p->n_kept * column_bytes(rows_of(in), in->dtype);
}

enum { CELL_BYTES = 64 }; /* one double in front of the columns of scratch */

/* Bytes of one timed value; every sample may have a time of its own. */
static uint64_t timed_bytes(int64_t rows)
{
    return column_bytes(rows, ODEON_DTYPE_F64);
}

/* Layout: the cell, one column per live value and a spare one, then the timed values, their
 * cotangents and a spare one. */
uint64_t run_scratch_bytes(const program *p, const odeon_shape *in)
{
    uint64_t bytes = CELL_BYTES + (uint64_t)(p->n_live + 1) * column_bytes(rows_of(in), in->dtype);
    return in->dtype == ODEON_DTYPE_F32 && p->n_timed > 0
               ? bytes + (uint64_t)(2 * p->n_timed + 1) * timed_bytes(rows_of(in))
               : bytes;
}

/* n numbers at memory. */
static odeon_tensor numbers_at(void *memory, int64_t n, uint32_t dtype)
{
    return odeon_tensor_at(memory, (odeon_shape){.ndim = 1, .dtype = dtype, .dim = {n}});
}

/* Column number index of the memory at base. */
static odeon_tensor column(const running *r, void *base, int32_t index)
{
    return numbers_at((char *)base + (uint64_t)index * column_bytes(r->rows, r->dtype), r->rows,
                      r->dtype);
}

static odeon_tensor scratch_column(const running *r, int32_t index)
{
    return column(r, (char *)r->call->scratch + CELL_BYTES, index);
}

/* The temporary column behind those of the values. */
static odeon_tensor spare_column(const running *r)
{
    return scratch_column(r, r->program->n_live);
}

static bool is_timed(const running *r, int32_t i)
{
    return r->doubles && r->program->values[i].timed >= 0;
}

/* Number index of the timed values, which are behind all columns of scratch: F64 [times]. */
static odeon_tensor timed(const running *r, int32_t index)
{
    char *behind = (char *)r->call->scratch + CELL_BYTES +
                   (uint64_t)(r->program->n_live + 1) * column_bytes(r->rows, r->dtype);
    return numbers_at(behind + (uint64_t)index * timed_bytes(r->rows), r->times, ODEON_DTYPE_F64);
}

/* A temporary of the same kind as value i. */
static odeon_tensor spare(const running *r, int32_t i)
{
    return is_timed(r, i) ? timed(r, 2 * r->program->n_timed) : spare_column(r);
}

/* The column of value i; a timed value has one only if it is an edge. */
static odeon_tensor column_of(const running *r, int32_t i)
{
    const program_value *x = &r->program->values[i];
    return x->kept >= 0 && r->call->tape != NULL ? column(r, r->call->tape, x->kept)
                                                 : scratch_column(r, x->place);
}

/* Value i in its own representation. */
static odeon_tensor value_of(const running *r, int32_t i)
{
    return is_timed(r, i) ? timed(r, r->program->values[i].timed) : column_of(r, i);
}

/* Operand a of value i in the representation of i; operands of timed values are timed. */
static odeon_tensor operand_of(const running *r, int32_t i, int32_t a)
{
    return is_timed(r, i) ? value_of(r, a) : column_of(r, a);
}

/* Copies column number at of x [B,...,N] to y [rows]. */
static odeon_status gather(const running *r, const odeon_view *x, int64_t at, const odeon_tensor *y)
{
    return ODEON_DO(r->device, move, copy2d, r->queue, .x = x, .y = y, .rows = r->rows, .cols = 1,
                    .x_pitch = width_of(&x->shape), .x_at = at, .y_pitch = 1);
}

/* Copies x [rows] to column number at of y [B,...,N]. */
static odeon_status scatter(const running *r, const odeon_view *x, const odeon_tensor *y,
                            int64_t at)
{
    return ODEON_DO(r->device, move, copy2d, r->queue, .x = x, .y = y, .rows = r->rows, .cols = 1,
                    .x_pitch = 1, .y_pitch = width_of(&y->view.shape), .y_at = at);
}

/* Consecutive rows that have one of the numbers of v, where they are neither one nor one a row: the
 * times of a sample. */
static int64_t rows_of_each(int64_t rows, const odeon_view *v)
{
    int64_t numbers = odeon_count(&v->shape);
    return numbers > 1 && numbers < rows ? rows / numbers : 1;
}

/* y[r] = v[0], or v[r] if v has one number per row, or that of the row's sample. */
static odeon_status broadcast(const running *r, const odeon_view *v, const odeon_tensor *y)
{
    int64_t rows = y->view.shape.dim[0], each = rows_of_each(rows, v);
    return ODEON_DO(r->device, move, rows_fill, r->queue, .y = y, .rows = rows / each, .cols = each,
                    .pitch = each, .v = v);
}

/* The transpose: adds x [rows] to v. */
static odeon_status collect(const running *r, const odeon_view *x, const odeon_tensor *v)
{
    int64_t rows = x->shape.dim[0], each = rows_of_each(rows, &v->view);
    return ODEON_DO(r->device, move, rows_sum, r->queue, .x = x, .rows = rows / each, .cols = each,
                    .pitch = each, .v = v);
}

/* Fills y with a parameter of one number, by way of a double on the device: the host must not wait
 * for it. */
static odeon_status broadcast_param(const running *r, const odeon_view *param,
                                    const odeon_tensor *y)
{
    odeon_tensor cell = numbers_at(r->call->scratch, 1, ODEON_DTYPE_F64);
    ODEON_TRY(ODEON_DO(r->device, move, cast, r->queue, .x = param, .scale = 1.0, .y = &cell));
    return broadcast(r, &cell.view, y);
}

/* y = 1 where a > 0, else 0: the vjp of relu with the cotangent 1. */
static odeon_status compute_step(const running *r, int32_t i, const odeon_tensor *y)
{
    odeon_tensor a = operand_of(r, i, r->program->values[i].a), one = spare(r, i);
    ODEON_TRY(ODEON_DO(r->device, move, fill, r->queue, .y = &one, .value = odeon_imm(1.0)));
    ODEON_TRY(ODEON_DO(r->device, pointwise, unary, r->queue, .id = ODEON_UNARY_RELU, .x = &a.view,
                       .y = y));
    return ODEON_DO(r->device, pointwise, unary_vjp, r->queue, .id = ODEON_UNARY_RELU,
                    .kept = &y->view, .dy = &one.view, .dx = y);
}

/* Evaluates value i from its operands. */
static odeon_status compute(const running *r, int32_t i)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor y = value_of(r, i), a, b;
    switch (x->kind) {
    case VALUE_INPUT:
        return gather(r, r->call->in, x->id, &y);
    case VALUE_TIME:
        return broadcast(r, r->call->t, &y);
    case VALUE_PARAM:
        return broadcast_param(r, &r->call->param[x->id], &y);
    case VALUE_AFFINE:
        a = operand_of(r, i, x->a);
        return ODEON_DO(r->device, move, cast, r->queue, .x = &a.view, .scale = x->scale,
                        .shift = x->shift, .y = &y);
    case VALUE_UNARY:
        a = operand_of(r, i, x->a);
        return ODEON_DO(r->device, pointwise, unary, r->queue, .id = x->id, .x = &a.view, .y = &y);
    case VALUE_POWER:
        a = operand_of(r, i, x->a);
        return ODEON_DO(r->device, pointwise, power, r->queue, .scale = 1.0, .exponent = x->scale,
                        .x = &a.view, .y = &y);
    case VALUE_STEP:
        return compute_step(r, i, &y);
    default:
        a = operand_of(r, i, x->a);
        b = operand_of(r, i, x->b);
        return ODEON_DO(r->device, pointwise, binary, r->queue, .id = x->id, .a = &a.view,
                        .b = &b.view, .y = &y);
    }
}

/* Computes all timed values; with edges also the columns of those that other values read. */
static odeon_status compute_timed(const running *r, bool edges)
{
    const program *p = r->program;
    for (int32_t i = 0; i < p->n; i++) {
        if (!is_timed(r, i)) {
            continue;
        }
        ODEON_TRY(compute(r, i));
        if (edges && p->values[i].edge) {
            odeon_tensor value = value_of(r, i), column = column_of(r, i);
            ODEON_TRY(broadcast(r, &value.view, &column));
        }
    }
    return ODEON_OK;
}

/* Writes one column of the output; constants are filled into the spare column first. */
static odeon_status write_output(const running *r, int32_t index)
{
    int32_t i = r->program->outputs[index];
    odeon_tensor x = spare_column(r);
    if (r->program->values[i].kind == VALUE_CONSTANT) {
        ODEON_TRY(ODEON_DO(r->device, move, fill, r->queue, .y = &x,
                           .value = odeon_imm(r->program->values[i].shift)));
    } else {
        x = column_of(r, i);
    }
    return scatter(r, &x.view, r->call->out, index);
}

/* x: the input, or the output's cotangent. Double precision for timed values is only worth it in
 * float32. */
static running begin(const program *p, const odeon_layer_call *call, const odeon_shape *x)
{
    running r = {.program = p,
                 .device = call->device,
                 .queue = call->queue,
                 .call = call,
                 .rows = rows_of(x),
                 .dtype = x->dtype};
    r.doubles = p->n_timed > 0 && x->dtype == ODEON_DTYPE_F32;
    r.times = r.doubles ? odeon_count(&call->t->shape) : 0;
    return r;
}

/* in [B,...,N] -> out [B,...,M]. Timed values come first, since others read their columns. */
odeon_status run_forward(const program *p, const odeon_layer_call *call)
{
    running r = begin(p, call, &call->in->shape);
    ODEON_TRY(compute_timed(&r, true));
    for (int32_t i = 0; i < p->n; i++) {
        if (p->values[i].place >= 0 && !is_timed(&r, i)) {
            ODEON_TRY(compute(&r, i));
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++) {
        ODEON_TRY(write_output(&r, i));
    }
    return ODEON_OK;
}

/* ---- backward ---- */

/* The column of the cotangent of value i: for a timed value only the part that comes from values
 * that are not timed. */
static odeon_tensor column_cotangent(const running *r, int32_t i)
{
    return scratch_column(r, r->program->values[i].place);
}

/* The cotangent of a timed value, in double. */
static odeon_tensor timed_cotangent(const running *r, int32_t i)
{
    return timed(r, r->program->n_timed + r->program->values[i].timed);
}

/* Adds scale * g to the cotangent of operand a of value i; the first contribution writes it. */
static odeon_status add(running *r, int32_t i, int32_t a, double scale, const odeon_view *g)
{
    bool apart = is_timed(r, i), *is_set = apart ? &r->is_set_timed[a] : &r->is_set[a];
    odeon_tensor cotangent = apart ? timed_cotangent(r, a) : column_cotangent(r, a);
    odeon_scalar coefficient = odeon_imm(scale);
    if (!*is_set) {
        *is_set = true;
        return ODEON_DO(r->device, move, cast, r->queue, .x = g, .scale = scale, .y = &cotangent);
    }
    return ODEON_DO(r->device, solver, lincomb, r->queue, .y = &cotangent, .base = &cotangent.view,
                    .n = 1, .x = &g, .coefficient = &coefficient);
}

/* Adds scale * (g op other), computed in the spare. */
static odeon_status add_product(running *r, int32_t i, int32_t a, double scale, int32_t op,
                                const odeon_view *g, const odeon_view *other)
{
    odeon_tensor product = spare(r, i);
    ODEON_TRY(ODEON_DO(r->device, pointwise, binary, r->queue, .id = op, .a = g, .b = other,
                       .y = &product));
    return add(r, i, a, scale, &product.view);
}

/* Contributions to both operands, which may be the same value. */
static odeon_status binary_vjp(running *r, int32_t i, const odeon_view *g)
{
    const program_value *x = &r->program->values[i];
    if (x->id == ODEON_BINARY_ADD || x->id == ODEON_BINARY_SUB) {
        ODEON_TRY(add(r, i, x->a, 1.0, g));
        return add(r, i, x->b, x->id == ODEON_BINARY_ADD ? 1.0 : -1.0, g);
    }
    odeon_tensor b = operand_of(r, i, x->b);
    if (x->id == ODEON_BINARY_MUL) {
        odeon_tensor a = operand_of(r, i, x->a);
        ODEON_TRY(add_product(r, i, x->a, 1.0, ODEON_BINARY_MUL, g, &b.view));
        return add_product(r, i, x->b, 1.0, ODEON_BINARY_MUL, g, &a.view);
    }
    /* y = a / b: dy/da = 1 / b, dy/db = -y / b */
    odeon_tensor y = value_of(r, i), quotient = spare(r, i);
    ODEON_TRY(add_product(r, i, x->a, 1.0, ODEON_BINARY_DIV, g, &b.view));
    ODEON_TRY(ODEON_DO(r->device, pointwise, binary, r->queue, .id = ODEON_BINARY_DIV, .a = g,
                       .b = &b.view, .y = &quotient));
    return add_product(r, i, x->b, -1.0, ODEON_BINARY_MUL, &quotient.view, &y.view);
}

static odeon_status unary_vjp(running *r, int32_t i, const odeon_view *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor kept = program_reads_operand(x->id) ? operand_of(r, i, x->a) : value_of(r, i);
    odeon_tensor product = spare(r, i);
    ODEON_TRY(ODEON_DO(r->device, pointwise, unary_vjp, r->queue, .id = x->id, .kept = &kept.view,
                       .dy = g, .dx = &product));
    return add(r, i, x->a, 1.0, &product.view);
}

/* d(a^e) = e a^(e-1). */
static odeon_status power_vjp(running *r, int32_t i, const odeon_view *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor a = operand_of(r, i, x->a), slope = spare(r, i);
    ODEON_TRY(ODEON_DO(r->device, pointwise, power, r->queue, .scale = x->scale,
                       .exponent = x->scale - 1.0, .x = &a.view, .y = &slope));
    return add_product(r, i, x->a, 1.0, ODEON_BINARY_MUL, g, &slope.view);
}

/* Adds the sum of g over samples (or times) to the gradient of a learnable constant. */
static odeon_status param_vjp(const running *r, int32_t i, const odeon_view *g)
{
    if (r->call->grad == NULL) {
        return ODEON_OK;
    }
    odeon_view channel = *g;
    if (is_timed(r, i)) { /* rounded to the parameters' dtype in the spare column */
        odeon_tensor rounded = spare_column(r);
        rounded.view.shape.dim[0] = r->times;
        channel = rounded.view;
        ODEON_TRY(ODEON_DO(r->device, move, cast, r->queue, .x = g, .scale = 1.0, .y = &rounded));
    }
    channel.shape.ndim = 3;
    channel.shape.dim[1] = channel.shape.dim[2] = 1;
    return ODEON_DO(r->device, product, channel_sum, r->queue, .x = &channel,
                    .bias = &r->call->grad[r->program->values[i].id]);
}

/* The vjp of a leaf: an input component, the time or a parameter. */
static odeon_status leaf_vjp(const running *r, int32_t i, const odeon_view *g)
{
    const odeon_tensor *d_in = r->call->d_in, *d_t = r->call->d_t;
    const program_value *x = &r->program->values[i];
    if (x->kind == VALUE_INPUT) {
        return d_in != NULL ? scatter(r, g, d_in, x->id) : ODEON_OK;
    }
    if (x->kind == VALUE_TIME) {
        return d_t != NULL ? collect(r, g, d_t) : ODEON_OK;
    }
    return param_vjp(r, i, g);
}

/* Completes the cotangent of a timed value: adds its column, summed over the samples of each
 * time. */
static odeon_status gather_timed(running *r, int32_t i)
{
    odeon_tensor cotangent = timed_cotangent(r, i), column = column_cotangent(r, i);
    if (!r->is_set[i]) {
        return ODEON_OK;
    }
    if (!r->is_set_timed[i]) {
        r->is_set_timed[i] = true;
        ODEON_TRY(
            ODEON_DO(r->device, move, fill, r->queue, .y = &cotangent, .value = odeon_imm(0.0)));
    }
    return collect(r, &column.view, &cotangent);
}

/* Distributes the cotangent of value i to its operands or to the gradients of a leaf. */
static odeon_status value_vjp(running *r, int32_t i)
{
    const program_value *x = &r->program->values[i];
    odeon_view g = (is_timed(r, i) ? timed_cotangent(r, i) : column_cotangent(r, i)).view;
    switch (x->kind) {
    case VALUE_AFFINE:
        return add(r, i, x->a, x->scale, &g);
    case VALUE_BINARY:
        return binary_vjp(r, i, &g);
    case VALUE_UNARY:
        return unary_vjp(r, i, &g);
    case VALUE_POWER:
        return power_vjp(r, i, &g);
    case VALUE_STEP:
        return ODEON_OK;
    default:
        return leaf_vjp(r, i, &g);
    }
}

/* Initializes cotangents from d_out [B,...,M]. Outputs are columns, even of timed values; one value
 * may be several outputs. */
static odeon_status seed_cotangents(running *r)
{
    const program *p = r->program;
    for (int32_t k = 0; k < p->n_outputs; k++) {
        int32_t i = p->outputs[k];
        odeon_tensor g = spare_column(r), cotangent = column_cotangent(r, i);
        const odeon_view *x[1] = {&g.view};
        odeon_scalar one = odeon_imm(1.0);
        if (p->values[i].place < 0) {
            continue;
        }
        ODEON_TRY(gather(r, r->call->d_out, k, r->is_set[i] ? &g : &cotangent));
        if (r->is_set[i]) {
            ODEON_TRY(ODEON_DO(r->device, solver, lincomb, r->queue, .y = &cotangent,
                               .base = &cotangent.view, .n = 1, .x = x, .coefficient = &one));
        }
        r->is_set[i] = true;
    }
    return ODEON_OK;
}

/* Values in reverse order: all uses of a value come after it, so its cotangent is complete when it
 * is reached. */
odeon_status run_vjp(const program *p, const odeon_layer_call *call)
{
    running r = begin(p, call, &call->d_out->shape);
    if (call->d_in != NULL) { /* components that no output depends on keep gradient 0 */
        ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in,
                           .value = odeon_imm(0.0)));
    }
    ODEON_TRY(compute_timed(&r, false));
    ODEON_TRY(seed_cotangents(&r));
    for (int32_t i = p->n; i-- > 0;) {
        if (is_timed(&r, i)) {
            ODEON_TRY(gather_timed(&r, i));
        }
        if (is_timed(&r, i) ? r.is_set_timed[i] : r.is_set[i]) {
            ODEON_TRY(value_vjp(&r, i));
        }
    }
    return ODEON_OK;
}
