#include "gru.h"

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static uint64_t sequence_bytes(const odeon_shape *in, int64_t steps, int64_t columns)
{
    return aligned((uint64_t)(steps * in->dim[0] * columns * odeon_dtype_bytes(in->dtype)));
}

/* h, the gates and product. */
uint64_t gru_tape_bytes(const gru *layer, const odeon_shape *in)
{
    int64_t steps = in->dim[1];
    return sequence_bytes(in, steps + 1, layer->units) +
           (N_GATES + 1) * sequence_bytes(in, steps, layer->units);
}

/* x, part, recurrent, a, b and, for a forward call without a tape, what a tape would hold. */
uint64_t gru_scratch_bytes(const gru *layer, const odeon_shape *in)
{
    int64_t steps = in->dim[1];
    return sequence_bytes(in, steps, in->dim[2]) +
           (N_GATES + 1) * sequence_bytes(in, steps, layer->units) +
           2 * sequence_bytes(in, 1, layer->units) + gru_tape_bytes(layer, in);
}

/* The next part of memory. */
static odeon_tensor next(const gru_call *g, char **at, int64_t steps, int64_t columns)
{
    odeon_shape shape = {.ndim = 3, .dtype = g->dtype, .dim = {steps, g->samples, columns}};
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += aligned((uint64_t)odeon_bytes(&shape));
    return x;
}

gru_call gru_begin(const gru *layer, const odeon_layer_call *call, const odeon_shape *in)
{
    gru_call g = {.layer = layer,
                  .call = call,
                  .samples = in->dim[0],
                  .steps = in->dim[1],
                  .features = in->dim[2],
                  .units = layer->units,
                  .dtype = in->dtype};
    char *at = call->scratch;
    g.x = next(&g, &at, g.steps, g.features);
    for (int32_t i = 0; i < N_GATES; i++) {
        g.part[i] = next(&g, &at, g.steps, g.units);
    }
    g.recurrent = next(&g, &at, g.steps, g.units);
    odeon_tensor a = next(&g, &at, 1, g.units), b = next(&g, &at, 1, g.units);
    g.a = gru_block(&a, 0);
    g.b = gru_block(&b, 0);
    at = call->tape != NULL ? call->tape : at;
    g.h = next(&g, &at, g.steps + 1, g.units);
    for (int32_t i = 0; i < N_GATES; i++) {
        g.gate[i] = next(&g, &at, g.steps, g.units);
    }
    g.product = next(&g, &at, g.steps, g.units);
    return g;
}

odeon_tensor gru_block(const odeon_tensor *x, int64_t i)
{
    odeon_shape shape = {.ndim = 2,
                         .dtype = x->view.shape.dtype,
                         .dim = {x->view.shape.dim[1], x->view.shape.dim[2]}};
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
    odeon_tensor flat = *x;
    flat.view.shape =
        (odeon_shape){.ndim = 2,
                      .dtype = x->view.shape.dtype,
                      .dim = {x->view.shape.dim[0] * x->view.shape.dim[1], x->view.shape.dim[2]}};
    return flat;
}

/* Where step i of the reading order is in a sequence of so many times. */
static int64_t position(const gru_call *g, int64_t i, int64_t columns)
{
    int64_t time = g->layer->direction == GRU_FORWARD ? i : g->steps - 1 - i;
    return time * columns;
}

odeon_status gru_take(const gru_call *g, const odeon_view *sequence, int64_t i,
                      const odeon_tensor *block)
{
    int64_t columns = block->view.shape.dim[1];
    return ODEON_DO(g->call->device, move, copy2d, g->call->queue, .x = sequence, .y = block,
                    .rows = g->samples, .cols = columns, .x_pitch = g->steps * columns,
                    .x_at = position(g, i, columns), .y_pitch = columns);
}

odeon_status gru_put(const gru_call *g, const odeon_view *block, const odeon_tensor *sequence,
                     int64_t i)
{
    int64_t columns = block->shape.dim[1];
    return ODEON_DO(g->call->device, move, copy2d, g->call->queue, .x = block, .y = sequence,
                    .rows = g->samples, .cols = columns, .x_pitch = columns,
                    .y_pitch = g->steps * columns, .y_at = position(g, i, columns));
}

odeon_status gru_read(const gru_call *g)
{
    for (int64_t i = 0; i < g->steps; i++) {
        odeon_tensor block = gru_block(&g->x, i);
        ODEON_TRY(gru_take(g, g->call->in, i, &block));
    }
    return ODEON_OK;
}
