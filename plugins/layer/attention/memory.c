#include "attention.h"

#include "../common/shape.h"
#include "odeon/device_move.h"

/* x [B,T,features] with columns in place of the features. */
static uint64_t rows_bytes(const odeon_shape *in, int64_t columns)
{
    return shape_aligned(in->dim[0] * in->dim[1] * columns * odeon_dtype_bytes(in->dtype));
}

static uint64_t weights_bytes(const attention *layer, const odeon_shape *in)
{
    return rows_bytes(in, layer->heads * in->dim[1]);
}

uint64_t attention_tape_bytes(const attention *layer, const odeon_shape *in)
{
    return (N_PARTS + 1) * rows_bytes(in, in->dim[2]) + weights_bytes(layer, in);
}

/* The tape of a forward without one, and the cotangents of the vjp, of which none is in use while
 * the other is, are of one size: three parts and the weights, and the tape has one part more. */
uint64_t attention_scratch_bytes(const attention *layer, const odeon_shape *in)
{
    return rows_bytes(in, N_PARTS * in->dim[2]) + rows_bytes(in, in->dim[2]) +
           attention_tape_bytes(layer, in);
}

/* The next part of memory. */
static odeon_tensor next(char **at, const attention_call *a, int32_t ndim, int64_t n, int64_t rows,
                         int64_t columns)
{
    odeon_shape shape = {.ndim = ndim, .dtype = a->dtype, .dim = {n, rows, columns}};
    if (ndim == 2) {
        shape = (odeon_shape){.ndim = 2, .dtype = a->dtype, .dim = {n * rows, columns}};
    }
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(odeon_bytes(&shape));
    return x;
}

attention_call attention_begin(const attention *layer, const odeon_layer_call *call,
                               const odeon_shape *in)
{
    attention_call a = {.layer = layer,
                        .call = call,
                        .samples = in->dim[0],
                        .steps = in->dim[1],
                        .features = in->dim[2],
                        .size = in->dim[2] / layer->heads,
                        .dtype = in->dtype};
    int64_t n = layer->heads * a.samples;
    char *at = call->scratch;
    a.rows = next(&at, &a, 2, a.samples, a.steps, N_PARTS * a.features);
    a.split = next(&at, &a, 3, n, a.steps, a.size);
    char *behind = at;
    at = call->tape != NULL ? call->tape : behind;
    for (int32_t i = 0; i < N_PARTS; i++) {
        a.part[i] = next(&at, &a, 3, n, a.steps, a.size);
    }
    a.weights = next(&at, &a, 3, n, a.steps, a.steps);
    a.merged = next(&at, &a, 2, a.samples, a.steps, a.features);
    at = behind;
    for (int32_t i = 0; i < N_PARTS; i++) {
        a.bar[i] = next(&at, &a, 3, n, a.steps, a.size);
    }
    a.weights_bar = next(&at, &a, 3, n, a.steps, a.steps);
    return a;
}

int32_t attention_at(const attention *layer, int32_t parameter)
{
    return layer->bias != 0 ? parameter : parameter / 2;
}

odeon_view attention_matrix(const odeon_view *x, int64_t columns)
{
    odeon_view out = *x;
    int64_t rows = columns > 0 ? odeon_count(&x->shape) / columns : 0;
    out.shape = (odeon_shape){.ndim = 2, .dtype = x->shape.dtype, .dim = {rows, columns}};
    return out;
}

/* One head's part of heads x, or of rows. */
typedef struct head_place {
    int64_t rows, heads_at, rows_at;
} head_place;

static head_place place_of(const attention_call *a, int64_t head, int64_t at)
{
    int64_t rows = a->samples * a->steps;
    return (head_place){
        .rows = rows, .heads_at = head * rows * a->size, .rows_at = at + head * a->size};
}

odeon_status attention_split(const attention_call *a, const odeon_view *x, int64_t columns,
                             int64_t at, const odeon_tensor *y)
{
    for (int64_t head = 0; head < a->layer->heads; head++) {
        head_place p = place_of(a, head, at);
        ODEON_TRY(ODEON_DO(a->call->device, move, copy2d, a->call->queue, .x = x, .y = y,
                           .rows = p.rows, .cols = a->size, .x_pitch = columns, .x_at = p.rows_at,
                           .y_pitch = a->size, .y_at = p.heads_at));
    }
    return ODEON_OK;
}

odeon_status attention_merge(const attention_call *a, const odeon_view *x, const odeon_tensor *y,
                             int64_t columns, int64_t at)
{
    for (int64_t head = 0; head < a->layer->heads; head++) {
        head_place p = place_of(a, head, at);
        ODEON_TRY(ODEON_DO(a->call->device, move, copy2d, a->call->queue, .x = x, .y = y,
                           .rows = p.rows, .cols = a->size, .x_pitch = a->size, .x_at = p.heads_at,
                           .y_pitch = columns, .y_at = p.rows_at));
    }
    return ODEON_OK;
}
