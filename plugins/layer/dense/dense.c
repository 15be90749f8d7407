/* dense: y = x W^T + b, x [B,N] or [B,T,N], W [units,N], b [units] -> y [B,units] or [B,T,units];
 * as torch.nn.Linear. With time every row of x has t as an additional number: W [units,N+1]. */
#include "../common/init.h"
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

typedef struct dense {
    ODEON_INSTANCE;
    int64_t units;
    init_choice init;
    int64_t time; /* TIME_* */
} dense;

static const odeon_option *const options[] = {
    ODEON_OPTION(dense, units, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases =
                     "hidden|hiddenunits|hiddensize|width|outfeatures|outputsize|neurons|nout",
                 .help = "outputs of every sample"),
    TIME_OPTION(dense), INIT_OPTIONS(dense), NULL};

/* x [B,N] or [B,T,N] as the matrix [rows,N]; with time the matrix [rows,N+1] that it becomes. */
static odeon_shape rows_of(const odeon_shape *x, int64_t time)
{
    odeon_shape out = {.ndim = 2, .dtype = x->dtype, .dim = {1}};
    for (int32_t i = 0; i + 1 < x->ndim; i++) {
        out.dim[0] *= x->dim[i];
    }
    out.dim[1] = x->dim[x->ndim - 1] + (time != TIME_NO ? 1 : 0);
    return out;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const dense *layer = self;
    /* applying it to the rows of an image would be a mistake */
    if (plan->in.ndim != 2 && plan->in.ndim != 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "dense: the input is %s; it takes vectors [B,N] or sequences of them "
                          "[B,T,N]: put flatten before it",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE;
    plan->out = plan->in;
    plan->out.dim[plan->in.ndim - 1] = layer->units;
    if (layer->time != TIME_NO) {
        odeon_shape x = rows_of(&plan->in, layer->time);
        plan->flags |= ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T;
        plan->scratch_bytes = (uint64_t)odeon_bytes(&x);
    }
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const dense *layer = self;
    odeon_shape weight = {.ndim = 2, .dim = {layer->units, rows_of(in, layer->time).dim[1]}};
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* x = the rows of in, or the rows with time, made in scratch. */
static odeon_status join(const dense *layer, const odeon_layer_call *call, odeon_view *x)
{
    odeon_view rows = shape_view(call->in, rows_of(&call->in->shape, TIME_NO));
    if (layer->time == TIME_NO) {
        *x = rows;
        return ODEON_OK;
    }
    odeon_tensor made = odeon_tensor_at(call->scratch, rows_of(&call->in->shape, layer->time));
    odeon_view from = shape_channels_view(&rows);
    odeon_tensor to = shape_channels_tensor(&made);
    *x = made.view;
    return time_join(layer->host, "dense with time", call, layer->time, &from, &to);
}

/* in [rows,N], weight [units,N], bias [units] -> out [rows,units]; bias and the next layer's
 * function are fused. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const dense *layer = self;
    odeon_view x;
    odeon_tensor y = shape_tensor(call->out, rows_of(&call->out->view.shape, TIME_NO));
    ODEON_TRY(join(layer, call, &x));
    return ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &x,
                    .b = &call->param[0], .trans_b = 1, .c = &y,
                    .bias = layer->init.bias ? &call->param[1] : NULL, .act = call->act);
}

/* dx = dy W, which with time is made in scratch and split into d_in and d_t. */
static odeon_status vjp_of_input(const dense *layer, const odeon_layer_call *call,
                                 const odeon_view *dy)
{
    odeon_shape rows = rows_of(&call->in->shape, layer->time);
    odeon_tensor dx = layer->time == TIME_NO ? shape_tensor(call->d_in, rows)
                                             : odeon_tensor_at(call->scratch, rows);
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = dy,
                       .b = &call->param[0], .c = &dx));
    odeon_view flat = shape_channels_view(&dx.view);
    return layer->time == TIME_NO ? ODEON_OK : time_part(call, layer->time, &flat);
}

/* dW += dy^T x, db += column sums of dy. The rows with time are built again rather than kept. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const dense *layer = self;
    odeon_view x, dy = shape_view(call->d_out, rows_of(&call->d_out->shape, TIME_NO));
    if (call->d_in != NULL || (call->d_t != NULL && layer->time != TIME_NO)) {
        ODEON_TRY(vjp_of_input(layer, call, &dy));
    }
    if (call->grad == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(join(layer, call, &x));
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &dy,
                       .trans_a = 1, .b = &x, .beta = 1.0, .c = &call->grad[0]));
    if (!layer->init.bias) {
        return ODEON_OK;
    }
    odeon_view channels = shape_channels_view(&dy);
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                    .bias = &call->grad[1]);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "dense", &ops,
                     "fully connected layer: every output is a weighted sum of all inputs", NULL,
                     "linear|fc|fullyconnected|affine|mlp", dense, options, NULL, NULL);
