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
    /* The device that plans were made for makes all gradients by one operator. */
    int32_t is_fused, reserved0;
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

static int32_t has_fused(const odeon_product_family *product)
{
    return ODEON_HAS(product, odeon_product_family, dense_vjp_scratch) &&
           ODEON_HAS(product, odeon_product_family, dense_vjp);
}

/* Scratch holds the rows with time, which are not there without it; for the operator that makes all
 * gradients also those of dx, and what it needs itself. */
static uint64_t rows_bytes(const dense *layer, const odeon_shape *rows)
{
    return layer->time == TIME_NO ? 0 : ((uint64_t)odeon_bytes(rows) + 63) / 64 * 64;
}

static uint64_t scratch_bytes(const dense *layer, const odeon_layer_plan *plan)
{
    odeon_shape rows = rows_of(&plan->in, layer->time);
    odeon_shape weight = {.ndim = 2, .dtype = rows.dtype, .dim = {layer->units, rows.dim[1]}};
    const odeon_product_family *product = plan->device->product;
    return layer->is_fused ? 2 * rows_bytes(layer, &rows) +
                                 product->dense_vjp_scratch(plan->device, &rows, &weight)
                           : rows_bytes(layer, &rows);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    dense *layer = self;
    /* applying it to the rows of an image would be a mistake */
    if (plan->in.ndim != 2 && plan->in.ndim != 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "dense: the input is %s; it takes vectors [B,N] or sequences of them "
                          "[B,T,N]: put flatten before it",
                          shape_print(&plan->in).text);
    }
    layer->is_fused = has_fused(plan->device->product);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE |
                  (layer->is_fused ? ODEON_LAYER_EPILOGUE_VJP : 0) |
                  (layer->time != TIME_NO ? ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T : 0);
    plan->out = plan->in;
    plan->out.dim[plan->in.ndim - 1] = layer->units;
    plan->scratch_bytes = scratch_bytes(layer, plan);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const dense *layer = self;
    odeon_shape weight = {.ndim = 2, .dim = {layer->units, rows_of(in, layer->time).dim[1]}};
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* x as rows [rows,N], in made where it has another shape. */
static const odeon_view *rows_view(const odeon_view *x, odeon_view *made)
{
    if (x->shape.ndim == 2) {
        return x;
    }
    *made = shape_view(x, rows_of(&x->shape, TIME_NO));
    return made;
}

static const odeon_tensor *rows_tensor(const odeon_tensor *x, odeon_tensor *made)
{
    if (x->view.shape.ndim == 2) {
        return x;
    }
    *made = shape_tensor(x, rows_of(&x->view.shape, TIME_NO));
    return made;
}

/* *x = the rows of in, or the rows with time, made in scratch. */
static odeon_status join(const dense *layer, const odeon_layer_call *call, odeon_view *made,
                         const odeon_view **x)
{
    odeon_view rows;
    if (layer->time == TIME_NO) {
        *x = rows_view(call->in, made);
        return ODEON_OK;
    }
    odeon_tensor joined = odeon_tensor_at(call->scratch, rows_of(&call->in->shape, layer->time));
    odeon_view from = shape_channels_view(rows_view(call->in, &rows));
    odeon_tensor to = shape_channels_tensor(&joined);
    *made = joined.view;
    *x = made;
    return time_join(layer->host, "dense with time", call, layer->time, &from, &to);
}

/* in [rows,N], weight [units,N], bias [units] -> out [rows,units]; bias and the next layer's
 * function are fused. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const dense *layer = self;
    odeon_view made;
    odeon_tensor y;
    const odeon_view *x;
    ODEON_TRY(join(layer, call, &made, &x));
    return ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = x,
                    .b = &call->param[0], .trans_b = 1, .c = rows_tensor(call->out, &y),
                    .bias = layer->init.bias ? &call->param[1] : NULL, .act = call->act);
}

/* Is dx wanted, or with time a part of it? */
static int32_t wants_input(const dense *layer, const odeon_layer_call *call)
{
    return call->d_in != NULL || (call->d_t != NULL && layer->time != TIME_NO);
}

/* All gradients by one operator; with time the rows of x, and of dx, are made in scratch. */
static odeon_status vjp_fused(const dense *layer, const odeon_layer_call *call)
{
    odeon_view made, of_y, of_dy;
    odeon_tensor of_dx;
    const odeon_view *x;
    const odeon_tensor *dx = NULL;
    char *scratch = call->scratch;
    ODEON_TRY(join(layer, call, &made, &x));
    if (layer->time != TIME_NO) {
        uint64_t bytes = rows_bytes(layer, &x->shape);
        of_dx = odeon_tensor_at(scratch + bytes, x->shape);
        dx = wants_input(layer, call) ? &of_dx : NULL;
        scratch += 2 * bytes;
    } else if (call->d_in != NULL) {
        dx = rows_tensor(call->d_in, &of_dx);
    }
    ODEON_TRY(ODEON_DO(call->device, product, dense_vjp, call->queue, .x = x, .w = &call->param[0],
                       .y = call->out != NULL ? rows_view(&call->out->view, &of_y) : NULL,
                       .dy = rows_view(call->d_out, &of_dy), .dx = dx, .dw = call->grad,
                       .dbias = call->grad != NULL && layer->init.bias ? &call->grad[1] : NULL,
                       .scratch = scratch, .act = call->act));
    if (dx == NULL || layer->time == TIME_NO) {
        return ODEON_OK;
    }
    odeon_view flat = shape_channels_view(&dx->view);
    return time_part(call, layer->time, &flat);
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
    odeon_view made, of_dy;
    const odeon_view *x, *dy;
    if (layer->is_fused) {
        return vjp_fused(layer, call);
    }
    dy = rows_view(call->d_out, &of_dy);
    if (wants_input(layer, call)) {
        ODEON_TRY(vjp_of_input(layer, call, dy));
    }
    if (call->grad == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(join(layer, call, &made, &x));
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = dy,
                       .trans_a = 1, .b = x, .beta = 1.0, .c = &call->grad[0]));
    if (!layer->init.bias) {
        return ODEON_OK;
    }
    odeon_view channels = shape_channels_view(dy);
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                    .bias = &call->grad[1]);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "dense", &ops,
                     "fully connected layer: every output is a weighted sum of all inputs", NULL,
                     "linear|fc|fullyconnected|affine|mlp", dense, options, NULL, NULL);
