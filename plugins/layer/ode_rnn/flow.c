/* The state between rows. The first row that counts, in the order of reading, begins with the state
 * 0, and the last one ends the sequence: before and behind them nothing moves, so that rows that a
 * series is filled up with change no bit. */
#include "ode_rnn.h"

#include "../common/shape.h"
#include "odeon/dataset.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

/* size, reach, start, t, factor, stage and q. */
uint64_t flow_scratch_bytes(const ode_rnn *layer, const odeon_shape *in)
{
    int64_t n = in->dim[0], wide = (int64_t)sizeof(double);
    uint64_t state = shape_aligned(n * layer->units * odeon_dtype_bytes(in->dtype));
    return 2 * shape_aligned(in->dim[1] * n * wide) + 2 * shape_aligned(n * wide) +
           (uint64_t)(2 + layer->stages) * state;
}

/* A frame for every evaluation. */
uint64_t flow_tape_bytes(const ode_rnn *layer, const odeon_shape *in, uint64_t frame_bytes)
{
    return (uint64_t)((in->dim[1] - 1) * layer->substeps * layer->stages) * frame_bytes;
}

static odeon_tensor next(char **at, odeon_shape shape)
{
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(odeon_bytes(&shape));
    return x;
}

/* ---- sizes of steps ---- */

static odeon_status binary(const gru_call *g, int32_t id, const odeon_tensor *a,
                           const odeon_view *b)
{
    return ODEON_DO(g->call->device, pointwise, binary, g->call->queue, .id = id, .a = &a->view,
                    .b = b, .y = a);
}

/* t [B] = the time of a step of the reading order. */
static odeon_status take_time(const gru_call *g, int64_t step, const odeon_tensor *t)
{
    const odeon_view *times = g->call->batch_field(g->call, ODEON_ROLE_TIME);
    return ODEON_DO(g->call->device, move, copy2d, g->call->queue, .x = times, .y = t,
                    .rows = g->samples, .cols = 1, .x_pitch = g->steps,
                    .x_at = gru_position(g, step), .y_pitch = 1);
}

static odeon_status fill(const gru_call *g, const odeon_tensor *y, double value)
{
    return ODEON_DO(g->call->device, move, fill, g->call->queue, .y = y, .value = odeon_imm(value));
}

static odeon_status copy(const gru_call *g, const odeon_tensor *x, const odeon_tensor *y)
{
    return ODEON_DO(g->call->device, move, copy, g->call->queue, .x = &x->view, .y = y);
}

/* reach [T,B] = 1 for the steps to a row which rows that count lie before and at or behind, else 0:
 * the product of how many they are, of which f->t holds the first and f->start the other. */
static odeon_status find_reach(const gru_call *g, const flow *f)
{
    ODEON_TRY(fill(g, &f->t, 0.0));
    ODEON_TRY(fill(g, &f->start, 0.0));
    for (int64_t i = 0; i < g->steps; i++) {
        odeon_tensor mark = gru_block(&g->mark, i);
        ODEON_TRY(binary(g, ODEON_BINARY_ADD, &f->start, &mark.view));
    }
    for (int64_t i = 0; i < g->steps; i++) {
        odeon_tensor mark = gru_block(&g->mark, i), reach = gru_block(&f->reach, i);
        ODEON_TRY(copy(g, &f->t, &reach));
        ODEON_TRY(binary(g, ODEON_BINARY_MUL, &reach, &f->start.view));
        ODEON_TRY(binary(g, ODEON_BINARY_ADD, &f->t, &mark.view));
        ODEON_TRY(binary(g, ODEON_BINARY_SUB, &f->start, &mark.view));
    }
    return gru_unit_step(g, &f->reach, &g->sums);
}

/* size [T,B]: from row to row in the order of reading, so that it is negative backward. */
static odeon_status find_sizes(const gru_call *g, const flow *f)
{
    const odeon_layer_call *call = g->call;
    for (int64_t i = 1; i < g->steps; i++) {
        odeon_tensor size = gru_block(&f->size, i);
        ODEON_TRY(take_time(g, i, &size));
        ODEON_TRY(take_time(g, i - 1, &f->start));
        ODEON_TRY(binary(g, ODEON_BINARY_SUB, &size, &f->start.view));
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &size.view, .y = &size,
                           .scale = 1.0 / (double)f->layer->substeps));
    }
    if (!g->is_gated) {
        return ODEON_OK;
    }
    ODEON_TRY(find_reach(g, f));
    for (int64_t i = 1; i < g->steps; i++) {
        odeon_tensor size = gru_block(&f->size, i), reach = gru_block(&f->reach, i);
        ODEON_TRY(binary(g, ODEON_BINARY_MUL, &size, &reach.view));
    }
    return ODEON_OK;
}

odeon_status flow_begin(const ode_rnn *layer, gru_call *g, flow *f)
{
    const odeon_layer_call *call = g->call;
    const odeon_view *times = call->batch_field(call, ODEON_ROLE_TIME);
    char *at = g->scratch_rest;
    const odeon_shape steps = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {g->steps, g->samples}};
    const odeon_shape row = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {g->samples}};
    const odeon_shape state = {.ndim = 2, .dtype = g->dtype, .dim = {g->samples, g->units}};
    if (times->shape.dim[0] != g->samples || times->shape.dim[1] != g->steps) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                          "ode_rnn: called with %lld samples of %lld rows, and the batch has %lld "
                          "of %lld times",
                          (long long)g->samples, (long long)g->steps,
                          (long long)times->shape.dim[0], (long long)times->shape.dim[1]);
    }
    f->layer = layer;
    f->size = next(&at, steps);
    f->reach = next(&at, steps);
    f->start = next(&at, row);
    f->t = next(&at, row);
    f->factor = next(&at, state);
    f->stage = next(&at, state);
    for (int32_t i = 0; i < layer->stages; i++) {
        f->q[i] = next(&at, state);
    }
    g->moving = f;
    return g->samples > 0 ? find_sizes(g, f) : ODEON_OK;
}

/* ---- steps ---- */

/* y = base + sum over first <= i < end of coefficient[i * stride] q[i]. */
static odeon_status combine(const gru_call *g, const odeon_view *base, const double *coefficient,
                            int32_t stride, int32_t first, int32_t end, const odeon_tensor *y)
{
    const flow *f = g->moving;
    const odeon_view *x[ODEON_MAX_STAGES];
    odeon_scalar by[ODEON_MAX_STAGES];
    int32_t n = 0;
    for (int32_t i = first; i < end; i++) {
        if (coefficient[i * stride] != 0.0) {
            x[n] = &f->q[i].view;
            by[n++] = odeon_imm(coefficient[i * stride]);
        }
    }
    if (n == 0) {
        return ODEON_DO(g->call->device, move, copy, g->call->queue, .x = base, .y = y);
    }
    return ODEON_DO(g->call->device, solver, lincomb, g->call->queue, .y = y, .base = base, .n = n,
                    .x = x, .coefficient = by);
}

/* start and factor of the steps to a row. */
static odeon_status begin_row(const gru_call *g, int64_t row)
{
    const flow *f = g->moving;
    odeon_tensor size = gru_block(&f->size, row);
    ODEON_TRY(take_time(g, row - 1, &f->start));
    return ODEON_DO(g->call->device, move, rows_fill, g->call->queue, .y = &f->factor,
                    .rows = g->samples, .cols = g->units, .pitch = g->units, .v = &size.view);
}

/* t = start + (substep + c_i) size. */
static odeon_status stage_time(const gru_call *g, int64_t row, int64_t substep, int32_t i)
{
    const flow *f = g->moving;
    odeon_tensor size = gru_block(&f->size, row);
    const odeon_view *x[1] = {&size.view};
    const odeon_scalar by[1] = {odeon_imm((double)substep + f->layer->tableau->c[i])};
    return ODEON_DO(g->call->device, solver, lincomb, g->call->queue, .y = &f->t,
                    .base = &f->start.view, .n = 1, .x = x, .coefficient = by);
}

/* Evaluation i of a substep as a call of the body, which keeps its frame behind those of earlier
 * ones. A loss of time's gradient is nothing: times are data. */
static odeon_layer_call evaluation(const gru_call *g, int64_t row, int64_t substep, int32_t i)
{
    const flow *f = g->moving;
    int64_t index = ((row - 1) * f->layer->substeps + substep) * f->layer->stages + i;
    odeon_layer_call call = *g->call;
    call.tape = g->tape_rest != NULL ? g->tape_rest + (uint64_t)index * f->frame_bytes : NULL;
    call.flags |= ODEON_CALL_NO_T_GRAD;
    call.d_t = NULL;
    call.integrand = NULL;
    call.d_integrand = NULL;
    return call;
}

static odeon_status substep_forward(const gru_call *g, int64_t row, int64_t substep,
                                    const odeon_tensor *y)
{
    const flow *f = g->moving;
    const odeon_tableau *method = f->layer->tableau;
    for (int32_t i = 0; i < f->layer->stages; i++) {
        const double *a = method->a + (ptrdiff_t)i * method->stages;
        odeon_layer_call call = evaluation(g, row, substep, i);
        call.in = &f->stage.view;
        ODEON_TRY(combine(g, &y->view, a, 1, 0, i, &f->stage));
        ODEON_TRY(stage_time(g, row, substep, i));
        ODEON_TRY(bodies_forward(&f->layer->bodies, 0, &call, &f->t.view, &f->q[i]));
        ODEON_TRY(binary(g, ODEON_BINARY_MUL, &f->q[i], &f->factor.view));
    }
    return combine(g, &y->view, method->b, 1, 0, f->layer->stages, y);
}

static odeon_status flow_forward(const gru_call *g, int64_t step)
{
    const flow *f = g->moving;
    odeon_tensor from = gru_block(&g->h, step), y = gru_block(&g->before, step);
    ODEON_TRY(copy(g, &from, &y));
    if (g->samples == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin_row(g, step));
    for (int64_t k = 0; k < f->layer->substeps; k++) {
        ODEON_TRY(substep_forward(g, step, k, &y));
    }
    return ODEON_OK;
}

/* ---- the way back ---- */

/* With bar the cotangent of y1: that of q_i is b_i bar + sum over j > i of a_ji s_j, s_j that of
 * stage j, which takes the place of q_j; bar becomes bar + sum of s. */
static odeon_status substep_vjp(const gru_call *g, int64_t row, int64_t substep,
                                const odeon_tensor *bar)
{
    static const double ones[1] = {1.0};
    const flow *f = g->moving;
    const odeon_tableau *method = f->layer->tableau;
    int32_t n = f->layer->stages;
    for (int32_t i = n; i-- > 0;) {
        odeon_layer_call call = evaluation(g, row, substep, i);
        call.d_out = &f->stage.view;
        ODEON_TRY(ODEON_DO(call.device, move, cast, call.queue, .x = &bar->view, .y = &f->stage,
                           .scale = method->b[i]));
        ODEON_TRY(combine(g, &f->stage.view, method->a + i, method->stages, i + 1, n, &f->stage));
        ODEON_TRY(binary(g, ODEON_BINARY_MUL, &f->stage, &f->factor.view));
        ODEON_TRY(stage_time(g, row, substep, i));
        ODEON_TRY(bodies_vjp(&f->layer->bodies, 0, &call, &f->t.view, &f->q[i]));
    }
    return combine(g, &bar->view, ones, 0, 0, n, bar);
}

static odeon_status flow_vjp(const gru_call *g, int64_t step, const odeon_tensor *bar)
{
    const flow *f = g->moving;
    if (g->samples == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin_row(g, step));
    for (int64_t k = f->layer->substeps; k-- > 0;) {
        ODEON_TRY(substep_vjp(g, step, k, bar));
    }
    return ODEON_OK;
}

const gru_between flow_between = {.forward = flow_forward, .vjp = flow_vjp};
