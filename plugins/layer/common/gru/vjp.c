/* The vjp of a gated recurrent unit: back through the steps for the cotangents of all gates, which
 * then are products with inputs and states for all times at once. */
#include "../shape.h"
#include "gru_unit.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

static odeon_status binary(const gru_call *g, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b, const odeon_tensor *y)
{
    return ODEON_DO(g->call->device, pointwise, binary, g->call->queue, .id = id, .a = &a->view,
                    .b = &b->view, .y = y);
}

static odeon_status unary_vjp(const gru_call *g, int32_t id, const odeon_tensor *y,
                              const odeon_tensor *dy, const odeon_tensor *dx)
{
    return ODEON_DO(g->call->device, pointwise, unary_vjp, g->call->queue, .id = id,
                    .kept = &y->view, .dy = &dy->view, .dx = dx);
}

/* The cotangents of what the gates are functions of, from dh; leaves the direct part of the state's
 * own, z dh, in a. */
static odeon_status gates(const gru_call *g, int64_t t, const odeon_tensor *dh,
                          const odeon_tensor *a)
{
    odeon_tensor r = gru_block(&g->gate[RESET], t), z = gru_block(&g->gate[UPDATE], t);
    odeon_tensor n = gru_block(&g->gate[NEW], t), q = gru_block(&g->product, t);
    odeon_tensor dr = gru_block(&g->part[RESET], t), dz = gru_block(&g->part[UPDATE], t);
    odeon_tensor dn = gru_block(&g->part[NEW], t), dq = gru_block(&g->recurrent, t);
    odeon_tensor h = gru_block(&g->before, t);
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, dh, &z, a));
    ODEON_TRY(binary(g, ODEON_BINARY_SUB, dh, a, &dn));
    ODEON_TRY(unary_vjp(g, ODEON_UNARY_TANH, &n, &dn, &dn));
    ODEON_TRY(binary(g, ODEON_BINARY_SUB, &h, &n, &dz));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &dz, dh, &dz));
    ODEON_TRY(unary_vjp(g, ODEON_UNARY_SIGMOID, &z, &dz, &dz));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &dn, &r, &dq));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &dn, &q, &dr));
    return unary_vjp(g, ODEON_UNARY_SIGMOID, &r, &dr, &dr);
}

/* The cotangent of the gate's product with weight, which of the new gate's state is another. */
static const odeon_tensor *bar_of(const gru_call *g, int32_t weight, int32_t gate)
{
    return weight == W_HH && gate == NEW ? &g->recurrent : &g->part[gate];
}

/* y = beta y + x rows(weight) of one gate. */
static odeon_status back(const gru_call *g, int32_t weight, int32_t gate, const odeon_tensor *x,
                         double beta, const odeon_tensor *y)
{
    odeon_view w = gru_rows(g, &g->call->param[weight], gate);
    return ODEON_DO(g->call->device, product, gemm, g->call->queue, .alpha = 1.0, .a = &x->view,
                    .b = &w, .beta = beta, .c = y);
}

/* counted = mark dh goes through the unit, held = (1 - mark) dh by it: the cotangent of the unit is
 * in *through. */
static odeon_status split(const gru_call *g, int64_t t, const odeon_tensor *dh,
                          const odeon_tensor **through)
{
    *through = dh;
    if (!g->is_gated) {
        return ODEON_OK;
    }
    *through = &g->counted;
    ODEON_TRY(gru_spread_mark(g, t, &g->counted));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &g->counted, dh, &g->counted));
    return binary(g, ODEON_BINARY_SUB, dh, &g->counted, &g->held);
}

/* bar = the cotangent of the state that row t is read with, from dh, that of the state after it. */
static odeon_status row_back(const gru_call *g, int64_t t, const odeon_tensor *dh,
                             const odeon_tensor *bar)
{
    const odeon_tensor *through;
    ODEON_TRY(split(g, t, dh, &through));
    ODEON_TRY(gates(g, t, through, bar));
    for (int32_t i = 0; i < N_GATES; i++) {
        odeon_tensor of_gate = gru_block(bar_of(g, W_HH, i), t);
        ODEON_TRY(back(g, W_HH, i, &of_gate, 1.0, bar));
    }
    return g->is_gated ? binary(g, ODEON_BINARY_ADD, bar, &g->held, bar) : ODEON_OK;
}

/* x += what the loss says of row t; by way of other. */
static odeon_status add_row(const gru_call *g, int64_t t, const odeon_tensor *other,
                            const odeon_tensor *x)
{
    ODEON_TRY(gru_take(g, g->call->d_out, t, other));
    return binary(g, ODEON_BINARY_ADD, x, other, x);
}

/* From the last step to the first; before it there is the state 0, of which nothing is wanted. */
static odeon_status steps_back(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    const gru_between *between = g->unit->between;
    int64_t output = g->unit->output;
    odeon_tensor dh = g->a, other = g->b;
    ODEON_TRY(
        output != GRU_LAST
            ? ODEON_DO(call->device, move, fill, call->queue, .y = &dh, .value = odeon_imm(0.0))
            : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = &dh));
    for (int64_t t = g->steps; t-- > 0;) {
        ODEON_TRY(output == GRU_ALL ? add_row(g, t, &other, &dh) : ODEON_OK);
        ODEON_TRY(row_back(g, t, &dh, &other));
        ODEON_TRY(output == GRU_BEFORE ? add_row(g, t, &dh, &other) : ODEON_OK);
        ODEON_TRY(between != NULL && t > 0 ? between->vjp(g, t, &other) : ODEON_OK);
        odeon_tensor swap = dh;
        dh = other;
        other = swap;
    }
    return ODEON_OK;
}

/* Gradients of one weight and its bias, from what it was multiplied with, [T B,...]. */
static odeon_status add_gradients(const gru_call *g, int32_t weight, const odeon_view *with)
{
    const odeon_layer_call *call = g->call;
    for (int32_t i = 0; i < N_GATES; i++) {
        const odeon_tensor *const bias = &call->grad[weight + B_IH - W_IH];
        odeon_tensor bar = gru_flat(bar_of(g, weight, i));
        odeon_tensor dw = {gru_rows(g, &call->grad[weight].view, i)};
        odeon_tensor db = {gru_rows(g, &bias->view, i)};
        odeon_view channels = shape_channels_view(&bar.view);
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &bar.view,
                           .trans_a = 1, .b = with, .beta = 1.0, .c = &dw));
        ODEON_TRY(
            ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels, .bias = &db));
    }
    return ODEON_OK;
}

static odeon_status input_back(const gru_call *g)
{
    odeon_tensor rows = gru_flat(&g->x);
    for (int32_t i = 0; i < N_GATES; i++) {
        odeon_tensor bar = gru_flat(&g->part[i]);
        ODEON_TRY(back(g, W_IH, i, &bar, i > 0 ? 1.0 : 0.0, &rows));
    }
    for (int64_t t = 0; t < g->steps; t++) {
        odeon_tensor block = gru_block(&g->x, t);
        ODEON_TRY(gru_put(g, &block.view, g->call->d_in, t));
    }
    return ODEON_OK;
}

odeon_status gru_vjp(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    ODEON_TRY(steps_back(g));
    if (call->grad != NULL) {
        odeon_tensor rows = gru_flat(&g->x), states = gru_flat(&g->before);
        ODEON_TRY(gru_read(g));
        ODEON_TRY(add_gradients(g, W_IH, &rows.view));
        ODEON_TRY(add_gradients(g, W_HH, &states.view));
    }
    return call->d_in != NULL ? input_back(g) : ODEON_OK;
}
