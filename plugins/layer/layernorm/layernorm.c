/* layernorm: over the last dimension y = (x - mean) / sqrt(variance + epsilon) * weight[D] +
 * bias[D], variance biased; x, y [B,...,D]; as torch.nn.LayerNorm. Source: Ba, Kiros, Hinton, Layer
 * normalization, 2016, eqs. 3, 4. */
#include "../common/shape.h"
#include "odeon/device_norm.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct layernorm {
    ODEON_INSTANCE;
    double epsilon;
    int64_t affine;
} layernorm;

static const odeon_option *const options[] = {
    ODEON_OPTION(layernorm, epsilon, F64, .flags = ODEON_OPTION_OPEN_MIN, .aliases = "eps",
                 .default_text = "1e-5", .min_text = "0", .help = "added to the variance"),
    ODEON_OPTION(layernorm, affine, FLAG, .default_text = "yes",
                 .help = "scale and shift every feature by a learned weight and bias"),
    NULL};

/* x [B,...,D] as [R,D,1]: every row is one group of D channels. */
static odeon_shape rows_of(const odeon_shape *x)
{
    int64_t features = x->dim[x->ndim - 1];
    return (odeon_shape){.ndim = 3,
                         .dtype = x->dtype,
                         .dim = {features > 0 ? odeon_count(x) / features : 0, features, 1}};
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const layernorm *layer = self;
    if (plan->in.ndim < 2 || plan->in.dim[plan->in.ndim - 1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "layernorm: the input is %s; it takes features [B,...,D]",
                          shape_print(&plan->in).text);
    }
    odeon_shape rows = rows_of(&plan->in);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_EPILOGUE;
    plan->out = plan->in;
    plan->tape_bytes = (uint64_t)rows.dim[0] * 2 * sizeof(double);
    plan->scratch_bytes = plan->tape_bytes; /* used by a forward call without a tape */
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const layernorm *layer = self;
    if (!layer->affine || index > 1) {
        return ODEON_OK;
    }
    out->role = index == 0 ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = 1, .dim = {in->dim[in->ndim - 1]}};
    out->name = index == 0 ? "weight" : "bias";
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = index == 0 ? 1.0 : 0.0;
    return ODEON_OK;
}

/* Mean and rstd of every row: F64 [R,1,2]. */
static odeon_tensor stats_at(const odeon_shape *rows, void *memory)
{
    return odeon_tensor_at(
        memory, (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {rows->dim[0], 1, 2}});
}

/* in [B,...,D] -> out. The next layer's function may be fused (act). */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const layernorm *layer = self;
    odeon_shape rows = rows_of(&call->in->shape);
    odeon_view x = shape_view(call->in, rows);
    odeon_tensor y = shape_tensor(call->out, rows);
    odeon_tensor stats = stats_at(&rows, call->tape != NULL ? call->tape : call->scratch);
    return ODEON_DO(call->device, norm, group_norm, call->queue, .groups = 1,
                    .epsilon = layer->epsilon, .x = &x, .w = layer->affine ? &call->param[0] : NULL,
                    .b = layer->affine ? &call->param[1] : NULL, .act = call->act, .y = &y,
                    .stats = &stats);
}

/* in, d_out [B,...,D] -> d_in; adds to the gradients of weight and bias. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const layernorm *layer = self;
    const odeon_tensor *grad = layer->affine ? call->grad : NULL;
    odeon_shape rows = rows_of(&call->in->shape);
    odeon_view x = shape_view(call->in, rows), dy = shape_view(call->d_out, rows);
    odeon_tensor dx, stats = stats_at(&rows, call->tape);
    if (call->d_in != NULL) {
        dx = shape_tensor(call->d_in, rows);
    }
    return ODEON_DO(call->device, norm, group_norm_vjp, call->queue, .groups = 1, .x = &x,
                    .w = layer->affine ? &call->param[0] : NULL, .stats = &stats.view, .dy = &dy,
                    .dx = call->d_in != NULL ? &dx : NULL, .dw = grad != NULL ? &grad[0] : NULL,
                    .db = grad != NULL ? &grad[1] : NULL);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "layernorm", &ops, "normalization over the features of every row",
                     "Ba, Kiros, Hinton, Layer normalization, 2016, eqs. 3, 4",
                     "ln|layernormalization|layernormalisation", layernorm, options, NULL, NULL);
