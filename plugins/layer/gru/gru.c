/* gru: a gated recurrent unit over sequences: x [B,T,D] -> the last state [B,H], or all [B,T,H]; as
 * torch.nn.GRU with one layer and batch_first. From the state h = 0 on, at every time
 *
 *   r = sigmoid(W_r x + b_r + U_r h + c_r)     z = sigmoid(W_z x + b_z + U_z h + c_z)
 *   n = tanh(W_n x + b_n + r (U_n h + c_n))    h = n + z (h - n)
 *
 * weight_ih [3H,D] holds W_r, W_z, W_n, weight_hh [3H,H] U, the biases [3H] b and c. With direction
 * = backward the sequence is read from its end, as an encoder of initial values does.
 * Source: Cho and others, Learning phrase representations using RNN encoder-decoder, 2014. */
#include "gru.h"

#include <math.h>

#include "../common/shape.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(gru, units, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "hiddensize|hidden|features", .help = "numbers in the state"),
    ODEON_OPTION(gru, output, CHOICE, .default_text = "last", .choices = "last|all",
                 .help = "the state after the whole sequence, or after every time"),
    ODEON_OPTION(gru, direction, CHOICE, .default_text = "forward", .choices = "forward|backward",
                 .help = "backward reads the sequence from its end; of all states each stays at "
                         "its time"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const gru *layer = self;
    if (plan->in.ndim != 3 || plan->in.dim[1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "gru: the input is %s; it takes sequences [B,T,D]",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    plan->out.dim[2] = layer->units;
    if (layer->output == GRU_LAST) {
        plan->out.ndim = 2;
        plan->out.dim[1] = layer->units;
        plan->out.dim[2] = 0;
    }
    plan->tape_bytes = gru_tape_bytes(layer, &plan->in);
    plan->scratch_bytes = gru_scratch_bytes(layer, &plan->in);
    return ODEON_OK;
}

/* All uniform on +-1/sqrt(H), as PyTorch's. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const gru *layer = self;
    if (index > B_HH) {
        return ODEON_OK;
    }
    out->role = index < B_IH ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = index < B_IH ? 2 : 1, .dim = {N_GATES * layer->units}};
    if (index < B_IH) {
        out->shape.dim[1] = index == W_IH ? in->dim[2] : layer->units;
    }
    out->name = names[index];
    out->init = ODEON_INIT_UNIFORM;
    out->init_b = 1.0 / sqrt((double)layer->units);
    out->init_a = -out->init_b;
    return ODEON_OK;
}

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

/* gate[t] = f(part[t] + made), made being in gate[t]. */
static odeon_status finish_gate(const gru_call *g, int32_t gate, int64_t t)
{
    odeon_tensor y = gru_block(&g->gate[gate], t), part = gru_block(&g->part[gate], t);
    ODEON_TRY(binary(g, ODEON_BINARY_ADD, &y, &part, &y));
    return unary(g, gate == NEW ? ODEON_UNARY_TANH : ODEON_UNARY_SIGMOID, &y);
}

static odeon_status step(const gru_call *g, int64_t t)
{
    odeon_tensor h = gru_block(&g->h, t), next = gru_block(&g->h, t + 1);
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
    return binary(g, ODEON_BINARY_ADD, &next, &n, &next);
}

/* in [B,T,D] -> out [B,H] or [B,T,H]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const gru *layer = self;
    gru_call g = gru_begin(layer, call, &call->in->shape);
    odeon_tensor h = gru_block(&g.h, 0), rows = gru_flat(&g.x);
    ODEON_TRY(gru_read(&g));
    for (int32_t i = 0; i < N_GATES; i++) {
        odeon_tensor part = gru_flat(&g.part[i]);
        ODEON_TRY(affine(&g, W_IH, i, &rows.view, &part));
    }
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &h, .value = odeon_imm(0.0)));
    for (int64_t t = 0; t < g.steps; t++) {
        ODEON_TRY(step(&g, t));
        h = gru_block(&g.h, t + 1);
        ODEON_TRY(layer->output == GRU_ALL ? gru_put(&g, &h.view, call->out, t) : ODEON_OK);
    }
    return layer->output == GRU_ALL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = &h.view, .y = call->out);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = gru_vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "gru", &ops, "gated recurrent unit over sequences",
                     "Cho and others, Learning phrase representations, 2014", "rnn|recurrent", gru,
                     options, NULL, NULL);
