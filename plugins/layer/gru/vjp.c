/* The vjp of a gated recurrent unit: back through the steps for the cotangents of all gates, which
 * then are products with inputs and states for all times at once. */
#include "../common/shape.h"
#include "gru.h"
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
    odeon_tensor h = gru_block(&g->h, t);
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

/* From the last step to the first. */
static odeon_status steps_back(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    int64_t all = g->layer->output == GRU_ALL;
    odeon_tensor dh = g->a, other = g->b;
    ODEON_TRY(
        all ? ODEON_DO(call->device, move, fill, call->queue, .y = &dh, .value = odeon_imm(0.0))
            : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = &dh));
    for (int64_t t = g->steps; t-- > 0;) {
        if (all) {
            ODEON_TRY(gru_take(g, call->d_out, t, &other));
            ODEON_TRY(binary(g, ODEON_BINARY_ADD, &dh, &other, &dh));
        }
        ODEON_TRY(gates(g, t, &dh, &other));
        for (int32_t i = 0; i < N_GATES; i++) {
            odeon_tensor bar = gru_block(bar_of(g, W_HH, i), t);
            ODEON_TRY(back(g, W_HH, i, &bar, 1.0, &other));
        }
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

/* d_out -> d_in [B,T,D]; adds to the gradients. */
odeon_status gru_vjp(void *self, const odeon_layer_call *call)
{
    gru_call g = gru_begin(self, call, &call->in->shape);
    ODEON_TRY(steps_back(&g));
    if (call->grad != NULL) {
        odeon_tensor rows = gru_flat(&g.x), states = gru_flat(&g.h);
        states.view.shape.dim[0] -= g.samples; /* those that the steps began with */
        ODEON_TRY(gru_read(&g));
        ODEON_TRY(add_gradients(&g, W_IH, &rows.view));
        ODEON_TRY(add_gradients(&g, W_HH, &states.view));
    }
    return call->d_in != NULL ? input_back(&g) : ODEON_OK;
}
