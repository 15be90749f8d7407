#include "../shape.h"
#include "gru_unit.h"
#include "odeon/dataset.h"

static uint64_t sequence_bytes(const odeon_shape *in, int64_t steps, int64_t columns)
{
    return shape_aligned(steps * in->dim[0] * columns * odeon_dtype_bytes(in->dtype));
}

/* h, the gates, product and, where the state is moved, before. */
uint64_t gru_tape_bytes(const gru_unit *unit, const odeon_shape *in)
{
    int64_t steps = in->dim[1], n = unit->between != NULL ? N_GATES + 2 : N_GATES + 1;
    return sequence_bytes(in, steps + 1, unit->units) +
           (uint64_t)n * sequence_bytes(in, steps, unit->units);
}

/* x, part, recurrent, a, b, counted, held, sums, own, mark and, for a forward call without a tape,
 * what a tape would hold. */
uint64_t gru_scratch_bytes(const gru_unit *unit, const odeon_shape *in)
{
    int64_t steps = in->dim[1];
    return sequence_bytes(in, steps, in->dim[2]) +
           (N_GATES + 1) * sequence_bytes(in, steps, unit->units) +
           4 * sequence_bytes(in, 1, unit->units) +
           3 * shape_aligned(steps * in->dim[0] * (int64_t)sizeof(double)) +
           gru_tape_bytes(unit, in);
}

/* The next part of memory. */
static odeon_tensor part_at(char **at, odeon_shape shape)
{
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(odeon_bytes(&shape));
    return x;
}

static odeon_tensor next(const gru_call *g, char **at, int64_t steps, int64_t columns)
{
    return part_at(
        at, (odeon_shape){.ndim = 3, .dtype = g->dtype, .dim = {steps, g->samples, columns}});
}

static odeon_tensor next_block(const gru_call *g, char **at)
{
    odeon_tensor x = next(g, at, 1, g->units);
    return gru_block(&x, 0);
}

static void take_scratch(gru_call *g, char **at)
{
    const odeon_shape wide = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {g->steps, g->samples}};
    g->x = next(g, at, g->steps, g->features);
    for (int32_t i = 0; i < N_GATES; i++) {
        g->part[i] = next(g, at, g->steps, g->units);
    }
    g->recurrent = next(g, at, g->steps, g->units);
    g->a = next_block(g, at);
    g->b = next_block(g, at);
    g->counted = next_block(g, at);
    g->held = next_block(g, at);
    g->sums = part_at(at, wide);
    g->own = part_at(at, wide);
    g->mark = part_at(at, wide);
}

/* Where nothing moves the state, rows are read with the states of h. */
static void take_tape(gru_call *g, char *at)
{
    g->h = next(g, &at, g->steps + 1, g->units);
    for (int32_t i = 0; i < N_GATES; i++) {
        g->gate[i] = next(g, &at, g->steps, g->units);
    }
    g->product = next(g, &at, g->steps, g->units);
    g->before = g->h;
    g->before.view.shape.dim[0] = g->steps;
    if (g->unit->between != NULL) {
        g->before = next(g, &at, g->steps, g->units);
    }
}

/* A field of the batch; NULL: it has none. */
static const odeon_view *field_of(const gru_call *g, int32_t role)
{
    return g->call->batch_field != NULL ? g->call->batch_field(g->call, role) : NULL;
}

/* A layer within others may be called with other samples than those that the batch's fields are
 * of. */
static odeon_status check_samples(const gru_call *g, const odeon_view *field)
{
    return field == NULL || field->shape.dim[0] == g->samples
               ? ODEON_OK
               : odeon_fail(g->unit->host, ODEON_ERR_UNSUPPORTED,
                            "%s: called with %lld samples, and the batch has %lld", g->unit->id,
                            (long long)g->samples, (long long)field->shape.dim[0]);
}

static odeon_status find_fields(gru_call *g)
{
    const odeon_view *mask = g->unit->rows == ROWS_OBSERVED ? field_of(g, ODEON_ROLE_MASK) : NULL;
    bool of_rows = mask != NULL && mask->shape.ndim >= 3 && mask->shape.dim[1] == g->steps;
    g->mask = of_rows ? mask : NULL;
    g->length = field_of(g, ODEON_ROLE_LENGTH);
    g->is_gated = of_rows || g->length != NULL || g->unit->rows == ROWS_MARKED;
    ODEON_TRY(check_samples(g, g->mask));
    return check_samples(g, g->length);
}

odeon_status gru_begin(const gru_unit *unit, const odeon_layer_call *call, const odeon_shape *in,
                       gru_call *out)
{
    *out = (gru_call){.unit = unit,
                      .call = call,
                      .samples = in->dim[0],
                      .steps = in->dim[1],
                      .features = in->dim[2],
                      .units = unit->units,
                      .dtype = in->dtype};
    char *at = call->scratch;
    take_scratch(out, &at);
    take_tape(out, call->tape != NULL ? call->tape : at);
    out->scratch_rest = (char *)call->scratch + gru_scratch_bytes(unit, in);
    out->tape_rest = call->tape != NULL ? (char *)call->tape + gru_tape_bytes(unit, in) : NULL;
    ODEON_TRY(find_fields(out));
    return gru_find_marks(out);
}

odeon_tensor gru_block(const odeon_tensor *x, int64_t i)
{
    odeon_shape shape = x->view.shape;
    shape.ndim--;
    for (int32_t d = 0; d <= shape.ndim; d++) {
        shape.dim[d] = d < shape.ndim ? x->view.shape.dim[d + 1] : 0;
    }
    return odeon_tensor_at((char *)odeon_write(x) + i * odeon_bytes(&shape), shape);
}

odeon_view gru_rows(const gru_call *g, const odeon_view *parameter, int32_t gate)
{
    odeon_view rows = *parameter;
    rows.shape.dim[0] = g->units;
    rows.data = (const char *)parameter->data + gate * odeon_bytes(&rows.shape);
    return rows;
}

odeon_tensor gru_flat(const odeon_tensor *x)
{
    const odeon_shape *whole = &x->view.shape;
    return shape_tensor(x, (odeon_shape){.ndim = 2,
                                         .dtype = whole->dtype,
                                         .dim = {whole->dim[0] * whole->dim[1], whole->dim[2]}});
}

int64_t gru_position(const gru_call *g, int64_t i)
{
    return g->unit->direction == GRU_FORWARD ? i : g->steps - 1 - i;
}

odeon_status gru_take(const gru_call *g, const odeon_view *sequence, int64_t i,
                      const odeon_tensor *block)
{
    int64_t columns = block->view.shape.dim[1];
    return ODEON_DO(g->call->device, move, copy2d, g->call->queue, .x = sequence, .y = block,
                    .rows = g->samples, .cols = columns, .x_pitch = g->steps * columns,
                    .x_at = gru_position(g, i) * columns, .y_pitch = columns);
}

odeon_status gru_put(const gru_call *g, const odeon_view *block, const odeon_tensor *sequence,
                     int64_t i)
{
    int64_t columns = block->shape.dim[1];
    return ODEON_DO(g->call->device, move, copy2d, g->call->queue, .x = block, .y = sequence,
                    .rows = g->samples, .cols = columns, .x_pitch = columns,
                    .y_pitch = g->steps * columns, .y_at = gru_position(g, i) * columns);
}

odeon_status gru_read(const gru_call *g)
{
    for (int64_t i = 0; i < g->steps; i++) {
        odeon_tensor block = gru_block(&g->x, i);
        ODEON_TRY(gru_take(g, g->call->in, i, &block));
    }
    return ODEON_OK;
}
