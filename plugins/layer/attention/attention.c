/* attention: multi-head self-attention over sequences: x [B,T,D] -> y [B,T,D]; as
 * torch.nn.MultiheadAttention with batch_first, no dropout, and one input for queries, keys and
 * values. With D / heads = d numbers a head, in each head
 *
 *   Q = x W_q^T + b_q, K and V alike,   y_head = softmax(Q K^T / sqrt(d)) V,
 *
 * and the heads side by side go through one more affine map. in_proj_weight [3D,D] holds W_q, W_k,
 * W_v, each head by head, in_proj_bias [3D] their biases; out_proj_weight [D,D], out_proj_bias [D].
 * Source: Vaswani and others, Attention is all you need, 2017, section 3.2. */
#include "attention.h"

#include <math.h>
#include <stdbool.h>

#include "../common/shape.h"
#include "odeon/dataset.h"
#include "odeon/device_norm.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION(attention, heads, I64, .aliases = "numheads|nhead|nheads", .default_text = "1",
                 .min_text = "1", .max_text = "65536",
                 .help = "heads, which divide the features of a row among them"),
    ODEON_OPTION(attention, causal, FLAG, .aliases = "iscausal|autoregressive",
                 .default_text = "no", .help = "a row sees itself and the rows before it alone"),
    ODEON_OPTION(attention, mask, CHOICE, .aliases = "keypaddingmask|padding|attnmask",
                 .default_text = "none", .choices = "none|data|length",
                 .help = "rows that no row sees: none; those of which the data set's mask counts "
                         "nothing; or those behind a sample's own, of a data set that fills up "
                         "series (pad)"),
    ODEON_OPTION(attention, bias, FLAG, .aliases = "usebias", .default_text = "yes",
                 .help = "add a bias to queries, keys, values and to what comes out"),
    NULL};

static odeon_status check_input(const attention *layer, const odeon_layer_plan *plan)
{
    if (plan->in.ndim != 3 || plan->in.dim[1] < 1 || plan->in.dim[2] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "attention: the input is %s; it takes sequences [B,T,D]",
                          shape_print(&plan->in).text);
    }
    return plan->in.dim[2] % layer->heads == 0
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "attention: heads = %lld does not divide the %lld features of the "
                            "input %s",
                            (long long)layer->heads, (long long)plan->in.dim[2],
                            shape_print(&plan->in).text);
}

static odeon_status check_device(const attention *layer, const odeon_device *device)
{
    bool there = ODEON_HAS(device->product, odeon_product_family, gemm_batch) &&
                 ODEON_HAS(device->norm, odeon_norm_family, softmax) &&
                 ODEON_HAS(device->norm, odeon_norm_family, softmax_vjp);
    return there ? ODEON_OK
                 : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "attention: run.device: %s has no operators gemm_batch and softmax, "
                              "which this layer needs; run.device = cpu has them",
                              device->id);
}

/* The field of the batch that says which rows count, as ODEON_ROLE_*; 0: none. */
static int32_t role_of(const attention *layer)
{
    return layer->mask == MASK_DATA     ? ODEON_ROLE_MASK
           : layer->mask == MASK_LENGTH ? ODEON_ROLE_LENGTH
                                        : 0;
}

/* A field that is not there is refused by the host. */
static odeon_status check_mask(const attention *layer, odeon_layer_plan *plan)
{
    int32_t role = role_of(layer);
    plan->needs = role != 0 ? 1u << role : 0;
    const odeon_shape *mask =
        layer->mask == MASK_DATA && role < plan->n_given ? &plan->given[role] : NULL;
    if (mask == NULL || mask->dtype == 0 || (mask->ndim >= 2 && mask->dim[1] == plan->in.dim[1])) {
        return ODEON_OK;
    }
    return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                      "attention: mask = data: the data set's mask is %s of a batch of one, "
                      "expected [B,%lld,...], one entry a row of the input %s",
                      shape_print(mask).text, (long long)plan->in.dim[1],
                      shape_print(&plan->in).text);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const attention *layer = self;
    ODEON_TRY(check_input(layer, plan));
    ODEON_TRY(check_device(layer, plan->device));
    ODEON_TRY(check_mask(layer, plan));
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_EPILOGUE;
    plan->out = plan->in;
    plan->tape_bytes = attention_tape_bytes(layer, &plan->in);
    plan->scratch_bytes = attention_scratch_bytes(layer, &plan->in);
    return ODEON_OK;
}

/* Weights as PyTorch's: in_proj by Glorot's uniform, out_proj uniform on +-1/sqrt(D); biases 0. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"in_proj_weight", "in_proj_bias", "out_proj_weight",
                                        "out_proj_bias"};
    const attention *layer = self;
    int32_t which = layer->bias != 0 ? index : 2 * index;
    if (which >= N_PARAMS) {
        return ODEON_OK;
    }
    bool is_in = which == W_IN || which == B_IN, is_weight = which == W_IN || which == W_OUT;
    int64_t features = in->dim[2], rows = is_in ? N_PARTS * features : features;
    double bound = is_in ? sqrt(6.0 / (double)(rows + features)) : 1.0 / sqrt((double)features);
    out->role = is_weight ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = is_weight ? 2 : 1, .dim = {rows, is_weight ? features : 0}};
    out->name = names[which];
    out->init = is_weight ? ODEON_INIT_UNIFORM : ODEON_INIT_CONSTANT;
    out->init_a = is_weight ? -bound : 0.0;
    out->init_b = is_weight ? bound : 0.0;
    return ODEON_OK;
}

/* y = act(x W^T + b) of rows. */
static odeon_status project(const attention_call *a, int32_t weight, const odeon_view *x,
                            int32_t act, const odeon_tensor *y)
{
    const odeon_view *const param = a->call->param;
    return ODEON_DO(a->call->device, product, gemm, a->call->queue, .alpha = 1.0, .a = x,
                    .b = &param[attention_at(a->layer, weight)], .trans_b = 1, .c = y, .act = act,
                    .bias = a->layer->bias != 0 ? &param[weight + B_IN - W_IN] : NULL);
}

/* weights = softmax(Q K^T / sqrt(size)) over the rows that count, [heads B,T,T]. */
static odeon_status weigh(const attention_call *a)
{
    const odeon_layer_call *call = a->call;
    int32_t role = role_of(a->layer);
    const odeon_view *field = role != 0 ? call->batch_field(call, role) : NULL;
    bool is_mask = role == ODEON_ROLE_MASK;
    ODEON_TRY(ODEON_DO(call->device, product, gemm_batch, call->queue,
                       .alpha = 1.0 / sqrt((double)a->size), .a = &a->part[QUERY].view,
                       .b = &a->part[KEY].view, .trans_b = 1, .c = &a->weights));
    return ODEON_DO(call->device, norm, softmax, call->queue, .x = &a->weights.view,
                    .mask = is_mask ? field : NULL, .lengths = is_mask ? NULL : field,
                    .causal = (int32_t)a->layer->causal, .y = &a->weights);
}

/* in [B,T,D] -> out [B,T,D]. The next layer's function may be fused (act). */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    attention_call a = attention_begin(self, call, &call->in->shape);
    odeon_view x = attention_matrix(call->in, a.features);
    odeon_tensor y = {attention_matrix(&call->out->view, a.features)};
    ODEON_TRY(project(&a, W_IN, &x, ODEON_UNARY_IDENTITY, &a.rows));
    for (int32_t i = 0; i < N_PARTS; i++) {
        ODEON_TRY(
            attention_split(&a, &a.rows.view, N_PARTS * a.features, i * a.features, &a.part[i]));
    }
    ODEON_TRY(weigh(&a));
    ODEON_TRY(ODEON_DO(call->device, product, gemm_batch, call->queue, .alpha = 1.0,
                       .a = &a.weights.view, .b = &a.part[VALUE].view, .c = &a.split));
    ODEON_TRY(attention_merge(&a, &a.split.view, &a.merged, a.features, 0));
    return project(&a, W_OUT, &a.merged.view, call->act, &y);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .plan = plan,
                                    .param = param,
                                    .forward = forward,
                                    .vjp = attention_vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "attention", &ops,
                     "multi-head self-attention: every row of a sequence is made of all others",
                     "Vaswani and others, Attention is all you need, 2017, section 3.2",
                     "selfattention|multiheadattention|mha|transformer", attention, options, NULL,
                     NULL);
