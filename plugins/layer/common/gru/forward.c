#include "gru_unit.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* y = x rows(weight)^T + rows(bias) of one gate. */
static odeon_status affine(const gru_call *g, int32_t weight, int32_t gate, const odeon_view *x,
                           const odeon_tensor *y)
{
    odeon_view w = gru_rows(g, &g->call->param[weight], gate);
    odeon_view b = gru_rows(g, &g->call->param[weight + B_IH - W_IH], gate);
    return ODEON_DO(g->call->device, product, gemm, g->call->queue, .alpha = 1.0, .a = x, .b = &w,
                    .trans_b = 1, .c = y, .bias = &b);
}

static odeon_status binary(const gru_call *g, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b, const odeon_tensor *y)
{
    return ODEON_DO(g->call->device, pointwise, binary, g->call->queue, .id = id, .a = &a->view,
                    .b = &b->view, .y = y);
}

static odeon_status unary(const gru_call *g, int32_t id, const odeon_tensor *x)
{
    return ODEON_DO(g->call->device, pointwise, unary, g->call->queue, .id = id, .x = &x->view,
                    .y = x);
}

static odeon_status clear(const gru_call *g, const odeon_tensor *x)
{
    return ODEON_DO(g->call->device, move, fill, g->call->queue, .y = x, .value = odeon_imm(0.0));
}

/* gate[t] = f(part[t] + made), made being in gate[t]. */
static odeon_status finish_gate(const gru_call *g, int32_t gate, int64_t t)
{
    odeon_tensor y = gru_block(&g->gate[gate], t), part = gru_block(&g->part[gate], t);
    ODEON_TRY(binary(g, ODEON_BINARY_ADD, &y, &part, &y));
    return unary(g, gate == NEW ? ODEON_UNARY_TANH : ODEON_UNARY_SIGMOID, &y);
}

/* The state that the row is read with. Nothing is known before the first one. */
static odeon_status move_state(const gru_call *g, int64_t t)
{
    odeon_tensor before = gru_block(&g->before, t);
    if (g->unit->between == NULL) {
        return ODEON_OK;
    }
    return t == 0 ? clear(g, &before) : g->unit->between->forward(g, t);
}

/* next = h + mark (next - h): h itself, to the bit, where the row does not count. */
static odeon_status hold(const gru_call *g, int64_t t, const odeon_tensor *h,
                         const odeon_tensor *next)
{
    if (!g->is_gated) {
        return ODEON_OK;
    }
    ODEON_TRY(gru_spread_mark(g, t, &g->counted));
    ODEON_TRY(binary(g, ODEON_BINARY_SUB, next, h, next));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, next, &g->counted, next));
    return binary(g, ODEON_BINARY_ADD, next, h, next);
}

static odeon_status step(const gru_call *g, int64_t t)
{
    odeon_tensor h = gru_block(&g->before, t), next = gru_block(&g->h, t + 1);
    odeon_tensor r = gru_block(&g->gate[RESET], t), z = gru_block(&g->gate[UPDATE], t);
    odeon_tensor n = gru_block(&g->gate[NEW], t), q = gru_block(&g->product, t);
    ODEON_TRY(affine(g, W_HH, RESET, &h.view, &r));
    ODEON_TRY(finish_gate(g, RESET, t));
    ODEON_TRY(affine(g, W_HH, UPDATE, &h.view, &z));
    ODEON_TRY(finish_gate(g, UPDATE, t));
    ODEON_TRY(affine(g, W_HH, NEW, &h.view, &q));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &r, &q, &n));
    ODEON_TRY(finish_gate(g, NEW, t));
    ODEON_TRY(binary(g, ODEON_BINARY_SUB, &h, &n, &next));
    ODEON_TRY(binary(g, ODEON_BINARY_MUL, &next, &z, &next));
    ODEON_TRY(binary(g, ODEON_BINARY_ADD, &next, &n, &next));
    return hold(g, t, &h, &next);
}

/* What each row gives out. */
static odeon_status put_row(const gru_call *g, int64_t t)
{
    int64_t output = g->unit->output;
    odeon_tensor h = output == GRU_ALL ? gru_block(&g->h, t + 1) : gru_block(&g->before, t);
    return output == GRU_LAST ? ODEON_OK : gru_put(g, &h.view, g->call->out, t);
}

odeon_status gru_forward(const gru_call *g)
{
    const odeon_layer_call *call = g->call;
    odeon_tensor first = gru_block(&g->h, 0), last = gru_block(&g->h, g->steps);
    odeon_tensor rows = gru_flat(&g->x);
    ODEON_TRY(gru_read(g));
    for (int32_t i = 0; i < N_GATES; i++) {
        odeon_tensor part = gru_flat(&g->part[i]);
        ODEON_TRY(affine(g, W_IH, i, &rows.view, &part));
    }
    ODEON_TRY(clear(g, &first));
    for (int64_t t = 0; t < g->steps; t++) {
        ODEON_TRY(move_state(g, t));
        ODEON_TRY(step(g, t));
        ODEON_TRY(put_row(g, t));
    }
    return g->unit->output != GRU_LAST
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = &last.view, .y = call->out);
}
