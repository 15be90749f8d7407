#include "run.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* One call under way. */
typedef struct running {
    const program *program;
    const odeon_context *context;
    const odeon_device_ops *ops;
    const odeon_buffers *buffers;
    int64_t rows; /* samples */
    int32_t dtype, reserved0;
    bool is_set[PROGRAM_MAX_VALUES]; /* backward: the value's cotangent has been written */
} running;

static uint64_t column_bytes(const odeon_tensor *x)
{
    uint64_t bytes = (uint64_t)(x->dim[0] * odeon_dtype_bytes(x->dtype));
    return (bytes + 63) / 64 * 64;
}

uint64_t run_tape_bytes(const program *p, const odeon_tensor *in)
{
    return (uint64_t)p->n_kept * column_bytes(in);
}

enum { CELL_BYTES = 64 }; /* a double, in front of the scratch's columns */

uint64_t run_scratch_bytes(const program *p, const odeon_tensor *in)
{
    return CELL_BYTES + (uint64_t)(p->n_live + 1) * column_bytes(in);
}

/* Column index of memory that starts at base. */
static odeon_tensor column(const running *r, void *base, int32_t index)
{
    odeon_tensor x = {.dim = {r->rows}, .ndim = 1, .dtype = r->dtype};
    x.data = (char *)base + (uint64_t)index * column_bytes(&x);
    return x;
}

static odeon_tensor scratch_column(const running *r, int32_t index)
{
    return column(r, (char *)r->buffers->scratch + CELL_BYTES, index);
}

/* The last of scratch's columns, which no value has. */
static odeon_tensor spare(const running *r)
{
    return scratch_column(r, r->program->n_live);
}

/* Where value i is. */
static odeon_tensor value_of(const running *r, int32_t i)
{
    const program_value *x = &r->program->values[i];
    return x->kept >= 0 && r->buffers->tape != NULL ? column(r, r->buffers->tape, x->kept)
                                                    : scratch_column(r, x->place);
}

static odeon_status gather(const running *r, const odeon_tensor *x, int64_t at,
                           const odeon_tensor *y)
{
    return r->ops->copy2d(r->context->queue, x, y, r->rows, 1, x->dim[1], at, 1, 0);
}

static odeon_status scatter(const running *r, const odeon_tensor *x, const odeon_tensor *y,
                            int64_t at)
{
    return r->ops->copy2d(r->context->queue, x, y, r->rows, 1, 1, 0, y->dim[1], at);
}

/* y = a parameter's one number everywhere. */
static odeon_status spread(const running *r, const odeon_tensor *param, const odeon_tensor *y)
{
    odeon_queue *queue = r->context->queue;
    odeon_tensor cell = {.data = r->buffers->scratch, .dim = {1}, .ndim = 1};
    cell.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(r->ops->cast(queue, param, 1.0, 0.0, &cell));
    return r->ops->rows_fill(queue, y, r->rows, 1, 1, 0, &cell);
}

static odeon_status compute(const running *r, int32_t i, const odeon_tensor *in)
{
    const program_value *x = &r->program->values[i];
    odeon_queue *queue = r->context->queue;
    odeon_tensor y = value_of(r, i), a, b;
    switch (x->kind) {
    case VALUE_INPUT:
        return gather(r, in, x->id, &y);
    case VALUE_TIME:
        return r->ops->rows_fill(queue, &y, r->rows, 1, 1, 0, r->context->t);
    case VALUE_PARAM:
        return spread(r, &r->buffers->param[x->id], &y);
    case VALUE_AFFINE:
        a = value_of(r, x->a);
        return r->ops->cast(queue, &a, x->scale, x->shift, &y);
    case VALUE_UNARY:
        a = value_of(r, x->a);
        return r->ops->unary(queue, x->id, &a, &y);
    case VALUE_POWER:
        a = value_of(r, x->a);
        return r->ops->power(queue, 1.0, x->scale, &a, &y);
    default:
        a = value_of(r, x->a);
        b = value_of(r, x->b);
        return r->ops->binary(queue, x->id, &a, &b, &y);
    }
}

static odeon_status put_output(const running *r, int32_t index, const odeon_tensor *out)
{
    int32_t i = r->program->outputs[index];
    odeon_tensor x = spare(r);
    if (r->program->values[i].kind == VALUE_CONSTANT) {
        ODEON_TRY(r->ops->fill(r->context->queue, &x, odeon_imm(r->program->values[i].shift),
                               r->context->slots));
    } else {
        x = value_of(r, i);
    }
    return scatter(r, &x, out, index);
}

odeon_status run_forward(const program *p, const odeon_context *context,
                         const odeon_buffers *buffers, const odeon_tensor *in,
                         const odeon_tensor *out)
{
    running r = {.program = p,
                 .context = context,
                 .ops = context->device->ops,
                 .buffers = buffers,
                 .rows = in->dim[0],
                 .dtype = in->dtype};
    for (int32_t i = 0; i < p->n; i++) {
        if (p->values[i].place >= 0) {
            ODEON_TRY(compute(&r, i, in));
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++) {
        ODEON_TRY(put_output(&r, i, out));
    }
    return ODEON_OK;
}

/* ---- backward ---- */

static odeon_tensor bar_of(const running *r, int32_t i)
{
    return scratch_column(r, r->program->values[i].place);
}

/* Adds scale * g to the cotangent of value i. */
static odeon_status add(running *r, int32_t i, double scale, const odeon_tensor *g)
{
    odeon_tensor bar = bar_of(r, i);
    odeon_scalar coefficient = odeon_imm(scale);
    if (!r->is_set[i]) {
        r->is_set[i] = true;
        return r->ops->cast(r->context->queue, g, scale, 0.0, &bar);
    }
    return r->ops->lincomb(r->context->queue, &bar, &bar, 1, &g, &coefficient, r->context->slots);
}

/* The same of g (op) other, by way of the spare column. */
static odeon_status add_product(running *r, int32_t i, double scale, int32_t op,
                                const odeon_tensor *g, const odeon_tensor *other)
{
    odeon_tensor product = spare(r);
    ODEON_TRY(r->ops->binary(r->context->queue, op, g, other, &product));
    return add(r, i, scale, &product);
}

static odeon_status binary_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    if (x->id == ODEON_BINARY_ADD || x->id == ODEON_BINARY_SUB) {
        ODEON_TRY(add(r, x->a, 1.0, g));
        return add(r, x->b, x->id == ODEON_BINARY_ADD ? 1.0 : -1.0, g);
    }
    odeon_tensor b = value_of(r, x->b);
    if (x->id == ODEON_BINARY_MUL) {
        odeon_tensor a = value_of(r, x->a);
        ODEON_TRY(add_product(r, x->a, 1.0, ODEON_BINARY_MUL, g, &b));
        return add_product(r, x->b, 1.0, ODEON_BINARY_MUL, g, &a);
    }
    /* y = a / b: dy/da = 1 / b, dy/db = -y / b */
    odeon_tensor y = value_of(r, i), quotient = spare(r);
    ODEON_TRY(add_product(r, x->a, 1.0, ODEON_BINARY_DIV, g, &b));
    ODEON_TRY(r->ops->binary(r->context->queue, ODEON_BINARY_DIV, g, &b, &quotient));
    return add_product(r, x->b, -1.0, ODEON_BINARY_MUL, &quotient, &y);
}

static odeon_status unary_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor kept = value_of(r, program_reads_operand(x->id) ? x->a : i), product = spare(r);
    ODEON_TRY(r->ops->unary_vjp(r->context->queue, x->id, &kept, g, &product));
    return add(r, x->a, 1.0, &product);
}

static odeon_status power_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor a = value_of(r, x->a), slope = spare(r);
    ODEON_TRY(r->ops->power(r->context->queue, x->scale, x->scale - 1.0, &a, &slope));
    return add_product(r, x->a, 1.0, ODEON_BINARY_MUL, g, &slope);
}

/* What a parameter, the time or a component of the input is owed. */
static odeon_status leaf_vjp(const running *r, const program_value *x, const odeon_tensor *g,
                             const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    if (x->kind == VALUE_INPUT) {
        return d_in != NULL ? scatter(r, g, d_in, x->id) : ODEON_OK;
    }
    if (x->kind == VALUE_TIME) {
        return d_t != NULL ? r->ops->rows_sum(r->context->queue, g, r->rows, 1, 1, 0, d_t)
                           : ODEON_OK;
    }
    odeon_tensor channel = *g;
    channel.ndim = 3;
    channel.dim[1] = channel.dim[2] = 1;
    return r->buffers->grad != NULL
               ? r->ops->channel_sum(r->context->queue, &channel, &r->buffers->grad[x->id])
               : ODEON_OK;
}

static odeon_status value_vjp(running *r, int32_t i, const odeon_tensor *d_in,
                              const odeon_tensor *d_t)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor g = bar_of(r, i);
    switch (x->kind) {
    case VALUE_AFFINE:
        return add(r, x->a, x->scale, &g);
    case VALUE_BINARY:
        return binary_vjp(r, i, &g);
    case VALUE_UNARY:
        return unary_vjp(r, i, &g);
    case VALUE_POWER:
        return power_vjp(r, i, &g);
    default:
        return leaf_vjp(r, x, &g, d_in, d_t);
    }
}

odeon_status run_vjp(const program *p, const odeon_context *context, const odeon_buffers *buffers,
                     const odeon_tensor *d_out, const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    running r = {.program = p,
                 .context = context,
                 .ops = context->device->ops,
                 .buffers = buffers,
                 .rows = d_out->dim[0],
                 .dtype = d_out->dtype};
    if (d_in != NULL) { /* components that nothing depends on */
        ODEON_TRY(r.ops->fill(context->queue, d_in, odeon_imm(0.0), context->slots));
    }
    for (int32_t i = 0; i < p->n_outputs; i++) {
        odeon_tensor g = spare(&r);
        if (p->values[p->outputs[i]].place >= 0) {
            ODEON_TRY(gather(&r, d_out, i, &g));
            ODEON_TRY(add(&r, p->outputs[i], 1.0, &g));
        }
    }
    for (int32_t i = p->n; i-- > 0;) {
        if (r.is_set[i]) {
            ODEON_TRY(value_vjp(&r, i, d_in, d_t));
        }
    }
    return ODEON_OK;
}
