#include "run.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* State of one forward or vjp call. */
typedef struct running {
    const program *program;
    const odeon_context *context;
    const odeon_device_ops *ops;
    const odeon_buffers *buffers;
    int64_t rows, times; /* samples; numbers in t, 1 or rows */
    int32_t dtype;
    bool doubles; /* timed values are computed separately, in double */
    /* Reverse pass: has the cotangent of the value been written yet, as a column, or in double for
     * a timed value? */
    bool is_set[PROGRAM_MAX_VALUES], is_set_timed[PROGRAM_MAX_VALUES];
} running;

/* Bytes of one column, rounded up so that every column is aligned. */
static uint64_t column_bytes(const odeon_tensor *x)
{
    uint64_t bytes = (uint64_t)(x->dim[0] * odeon_dtype_bytes(x->dtype));
    return (bytes + 63) / 64 * 64;
}

uint64_t run_tape_bytes(const program *p, const odeon_tensor *in)
{
    return (uint64_t)p->n_kept * column_bytes(in);
}

enum { CELL_BYTES = 64 }; /* one double in front of the columns of scratch */

/* Bytes of one timed value; every sample may have a time of its own. */
static uint64_t timed_bytes(int64_t rows)
{
    return ((uint64_t)rows * sizeof(double) + 63) / 64 * 64;
}

/* Layout: the cell, one column per live value and a spare one, then the timed values, their
 * cotangents and a spare one. */
uint64_t run_scratch_bytes(const program *p, const odeon_tensor *in)
{
    uint64_t bytes = CELL_BYTES + (uint64_t)(p->n_live + 1) * column_bytes(in);
    return in->dtype == ODEON_DTYPE_F32 && p->n_timed > 0
               ? bytes + (uint64_t)(2 * p->n_timed + 1) * timed_bytes(in->dim[0])
               : bytes;
}

/* Column number index of the memory at base. */
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

/* The temporary column behind those of the values. */
static odeon_tensor spare_column(const running *r)
{
    return scratch_column(r, r->program->n_live);
}

static bool is_timed(const running *r, int32_t i)
{
    return r->doubles && r->program->values[i].timed >= 0;
}

/* Number index of the timed values in scratch, F64 [times]. */
static odeon_tensor timed(const running *r, int32_t index)
{
    odeon_tensor x = {.dim = {r->times}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    odeon_tensor behind = spare_column(r);
    x.data = (char *)behind.data + column_bytes(&behind) + (uint64_t)index * timed_bytes(r->rows);
    return x;
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
    return x->kept >= 0 && r->buffers->tape != NULL ? column(r, r->buffers->tape, x->kept)
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

/* Copies column number at of x [B,N] to y [B]. */
static odeon_status gather(const running *r, const odeon_tensor *x, int64_t at,
                           const odeon_tensor *y)
{
    return r->ops->copy2d(r->context->queue, x, y, r->rows, 1, x->dim[1], at, 1, 0);
}

/* Copies x [B] to column number at of y [B,N]. */
static odeon_status scatter(const running *r, const odeon_tensor *x, const odeon_tensor *y,
                            int64_t at)
{
    return r->ops->copy2d(r->context->queue, x, y, r->rows, 1, 1, 0, y->dim[1], at);
}

/* y[r] = v[0], or v[r] if v has one number per row. */
static odeon_status broadcast(const running *r, const odeon_tensor *v, const odeon_tensor *y)
{
    return r->ops->rows_fill(r->context->queue, y, y->dim[0], 1, 1, 0, v);
}

/* Fills y with a parameter of one number, by way of a double on the device: the host must not wait
 * for it. */
static odeon_status broadcast_param(const running *r, const odeon_tensor *param,
                                    const odeon_tensor *y)
{
    odeon_queue *queue = r->context->queue;
    odeon_tensor cell = {.data = r->buffers->scratch, .dim = {1}, .ndim = 1};
    cell.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(r->ops->cast(queue, param, 1.0, 0.0, &cell));
    return broadcast(r, &cell, y);
}

/* Evaluates value i from its operands. */
static odeon_status compute(const running *r, int32_t i, const odeon_tensor *in)
{
    const program_value *x = &r->program->values[i];
    odeon_queue *queue = r->context->queue;
    odeon_tensor y = value_of(r, i), a, b;
    switch (x->kind) {
    case VALUE_INPUT:
        return gather(r, in, x->id, &y);
    case VALUE_TIME:
        return broadcast(r, r->context->t, &y);
    case VALUE_PARAM:
        return broadcast_param(r, &r->buffers->param[x->id], &y);
    case VALUE_AFFINE:
        a = operand_of(r, i, x->a);
        return r->ops->cast(queue, &a, x->scale, x->shift, &y);
    case VALUE_UNARY:
        a = operand_of(r, i, x->a);
        return r->ops->unary(queue, x->id, &a, &y);
    case VALUE_POWER:
        a = operand_of(r, i, x->a);
        return r->ops->power(queue, 1.0, x->scale, &a, &y);
    default:
        a = operand_of(r, i, x->a);
        b = operand_of(r, i, x->b);
        return r->ops->binary(queue, x->id, &a, &b, &y);
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
        ODEON_TRY(compute(r, i, NULL));
        if (edges && p->values[i].edge) {
            odeon_tensor value = value_of(r, i), column = column_of(r, i);
            ODEON_TRY(broadcast(r, &value, &column));
        }
    }
    return ODEON_OK;
}

/* Writes one column of the output; constants are filled into the spare column first. */
static odeon_status write_output(const running *r, int32_t index, const odeon_tensor *out)
{
    int32_t i = r->program->outputs[index];
    odeon_tensor x = spare_column(r);
    if (r->program->values[i].kind == VALUE_CONSTANT) {
        ODEON_TRY(r->ops->fill(r->context->queue, &x, odeon_imm(r->program->values[i].shift),
                               r->context->slots));
    } else {
        x = column_of(r, i);
    }
    return scatter(r, &x, out, index);
}

/* Double precision for timed values is only worth it in float32. */
static running begin(const program *p, const odeon_context *context, const odeon_buffers *buffers,
                     const odeon_tensor *x)
{
    running r = {.program = p,
                 .context = context,
                 .ops = context->device->ops,
                 .buffers = buffers,
                 .rows = x->dim[0],
                 .dtype = x->dtype};
    r.doubles = p->n_timed > 0 && x->dtype == ODEON_DTYPE_F32;
    r.times = r.doubles ? odeon_count(context->t) : 0;
    return r;
}

/* in [B,N] -> out [B,M]. Timed values come first, since others read their columns. */
odeon_status run_forward(const program *p, const odeon_context *context,
                         const odeon_buffers *buffers, const odeon_tensor *in,
                         const odeon_tensor *out)
{
    running r = begin(p, context, buffers, in);
    ODEON_TRY(compute_timed(&r, true));
    for (int32_t i = 0; i < p->n; i++) {
        if (p->values[i].place >= 0 && !is_timed(&r, i)) {
            ODEON_TRY(compute(&r, i, in));
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++) {
        ODEON_TRY(write_output(&r, i, out));
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
static odeon_status add(running *r, int32_t i, int32_t a, double scale, const odeon_tensor *g)
{
    bool apart = is_timed(r, i), *is_set = apart ? &r->is_set_timed[a] : &r->is_set[a];
    odeon_tensor cotangent = apart ? timed_cotangent(r, a) : column_cotangent(r, a);
    odeon_scalar coefficient = odeon_imm(scale);
    if (!*is_set) {
        *is_set = true;
        return r->ops->cast(r->context->queue, g, scale, 0.0, &cotangent);
    }
    return r->ops->lincomb(r->context->queue, &cotangent, &cotangent, 1, &g, &coefficient,
                           r->context->slots);
}

/* Adds scale * (g op other), computed in the spare. */
static odeon_status add_product(running *r, int32_t i, int32_t a, double scale, int32_t op,
                                const odeon_tensor *g, const odeon_tensor *other)
{
    odeon_tensor product = spare(r, i);
    ODEON_TRY(r->ops->binary(r->context->queue, op, g, other, &product));
    return add(r, i, a, scale, &product);
}

/* Contributions to both operands, which may be the same value. */
static odeon_status binary_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    if (x->id == ODEON_BINARY_ADD || x->id == ODEON_BINARY_SUB) {
        ODEON_TRY(add(r, i, x->a, 1.0, g));
        return add(r, i, x->b, x->id == ODEON_BINARY_ADD ? 1.0 : -1.0, g);
    }
    odeon_tensor b = operand_of(r, i, x->b);
    if (x->id == ODEON_BINARY_MUL) {
        odeon_tensor a = operand_of(r, i, x->a);
        ODEON_TRY(add_product(r, i, x->a, 1.0, ODEON_BINARY_MUL, g, &b));
        return add_product(r, i, x->b, 1.0, ODEON_BINARY_MUL, g, &a);
    }
    /* y = a / b: dy/da = 1 / b, dy/db = -y / b */
    odeon_tensor y = value_of(r, i), quotient = spare(r, i);
    ODEON_TRY(add_product(r, i, x->a, 1.0, ODEON_BINARY_DIV, g, &b));
    ODEON_TRY(r->ops->binary(r->context->queue, ODEON_BINARY_DIV, g, &b, &quotient));
    return add_product(r, i, x->b, -1.0, ODEON_BINARY_MUL, &quotient, &y);
}

static odeon_status unary_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor kept = program_reads_operand(x->id) ? operand_of(r, i, x->a) : value_of(r, i);
    odeon_tensor product = spare(r, i);
    ODEON_TRY(r->ops->unary_vjp(r->context->queue, x->id, &kept, g, &product));
    return add(r, i, x->a, 1.0, &product);
}

/* d(a^e) = e a^(e-1). */
static odeon_status power_vjp(running *r, int32_t i, const odeon_tensor *g)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor a = operand_of(r, i, x->a), slope = spare(r, i);
    ODEON_TRY(r->ops->power(r->context->queue, x->scale, x->scale - 1.0, &a, &slope));
    return add_product(r, i, x->a, 1.0, ODEON_BINARY_MUL, g, &slope);
}

/* Adds the sum of g over samples (or times) to the gradient of a learnable constant. */
static odeon_status param_vjp(const running *r, int32_t i, const odeon_tensor *g)
{
    if (r->buffers->grad == NULL) {
        return ODEON_OK;
    }
    odeon_tensor channel = *g;
    if (is_timed(r, i)) { /* rounded to the parameters' dtype in the spare column */
        channel = spare_column(r);
        channel.dim[0] = r->times;
        ODEON_TRY(r->ops->cast(r->context->queue, g, 1.0, 0.0, &channel));
    }
    channel.ndim = 3;
    channel.dim[1] = channel.dim[2] = 1;
    return r->ops->channel_sum(r->context->queue, &channel,
                               &r->buffers->grad[r->program->values[i].id]);
}

/* The vjp of a leaf: an input component, the time or a parameter. */
static odeon_status leaf_vjp(const running *r, int32_t i, const odeon_tensor *g,
                             const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const program_value *x = &r->program->values[i];
    if (x->kind == VALUE_INPUT) {
        return d_in != NULL ? scatter(r, g, d_in, x->id) : ODEON_OK;
    }
    if (x->kind == VALUE_TIME) {
        return d_t != NULL ? r->ops->rows_sum(r->context->queue, g, g->dim[0], 1, 1, 0, d_t)
                           : ODEON_OK;
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
        ODEON_TRY(r->ops->fill(r->context->queue, &cotangent, odeon_imm(0.0), r->context->slots));
    }
    return r->ops->rows_sum(r->context->queue, &column, r->rows, 1, 1, 0, &cotangent);
}

/* Distributes the cotangent of value i to its operands or to the gradients of a leaf. */
static odeon_status value_vjp(running *r, int32_t i, const odeon_tensor *d_in,
                              const odeon_tensor *d_t)
{
    const program_value *x = &r->program->values[i];
    odeon_tensor g = is_timed(r, i) ? timed_cotangent(r, i) : column_cotangent(r, i);
    switch (x->kind) {
    case VALUE_AFFINE:
        return add(r, i, x->a, x->scale, &g);
    case VALUE_BINARY:
        return binary_vjp(r, i, &g);
    case VALUE_UNARY:
        return unary_vjp(r, i, &g);
    case VALUE_POWER:
        return power_vjp(r, i, &g);
    default:
        return leaf_vjp(r, i, &g, d_in, d_t);
    }
}

/* Initializes cotangents from d_out [B,M]. Outputs are columns, even of timed values; one value may
 * be several outputs. */
static odeon_status seed_cotangents(running *r, const odeon_tensor *d_out)
{
    const program *p = r->program;
    for (int32_t k = 0; k < p->n_outputs; k++) {
        int32_t i = p->outputs[k];
        odeon_tensor g = spare_column(r), cotangent = column_cotangent(r, i);
        const odeon_tensor *x[1] = {&g};
        odeon_scalar one = odeon_imm(1.0);
        if (p->values[i].place < 0) {
            continue;
        }
        ODEON_TRY(gather(r, d_out, k, r->is_set[i] ? &g : &cotangent));
        if (r->is_set[i]) {
            ODEON_TRY(r->ops->lincomb(r->context->queue, &cotangent, &cotangent, 1, x, &one,
                                      r->context->slots));
        }
        r->is_set[i] = true;
    }
    return ODEON_OK;
}

/* Values in reverse order: all uses of a value come after it, so its cotangent is complete when it
 * is reached. */
odeon_status run_vjp(const program *p, const odeon_context *context, const odeon_buffers *buffers,
                     const odeon_tensor *d_out, const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    running r = begin(p, context, buffers, d_out);
    if (d_in != NULL) { /* components that no output depends on keep gradient 0 */
        ODEON_TRY(r.ops->fill(context->queue, d_in, odeon_imm(0.0), context->slots));
    }
    ODEON_TRY(compute_timed(&r, false));
    ODEON_TRY(seed_cotangents(&r, d_out));
    for (int32_t i = p->n; i-- > 0;) {
        if (is_timed(&r, i)) {
            ODEON_TRY(gather_timed(&r, i));
        }
        if (is_timed(&r, i) ? r.is_set_timed[i] : r.is_set[i]) {
            ODEON_TRY(value_vjp(&r, i, d_in, d_t));
        }
    }
    return ODEON_OK;
}
