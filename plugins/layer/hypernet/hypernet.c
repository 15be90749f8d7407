/* hypernet: a dense layer whose weights are functions of the time t, made by a small network:
 *
 *   y = W(t) x + b(t),   (W, b)(t) = weight tanh(hidden_weight t + hidden_bias) + bias
 *
 * x [B,...,N] -> y [B,...,units]; W(t) [units,N], then b(t) [units] are the units N + units outputs
 * of the small network. Inside an ODE block alone. Source: Ha, Dai, Le, HyperNetworks, 2017; so
 * used by Chen and others, Neural ordinary differential equations, 2018, section 4. */
#include <math.h>

#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct hypernet {
    ODEON_INSTANCE;
    int64_t units, hidden;
} hypernet;

enum { HIDDEN_WEIGHT = 0, HIDDEN_BIAS, WEIGHT, BIAS };

static const odeon_option *const options[] = {
    ODEON_OPTION(hypernet, units, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "outfeatures|features|outputs", .help = "outputs"),
    ODEON_OPTION(hypernet, hidden, SIZE, .aliases = "width", .default_text = "16",
                 .help = "hidden units of the network that makes the weights of t"),
    NULL};

/* One call: n times, each of so many rows of x; parts of scratch. */
typedef struct working {
    const hypernet *layer;
    const odeon_layer_call *call;
    int64_t times, rows, features, made; /* numbers of t; rows of one; N; units N + units */
    uint32_t dtype, reserved0;
    odeon_tensor t, hidden, theta; /* [n,1], [n,hidden], [n,made] */
    odeon_tensor d_t, d_hidden, d_theta;
} working;

static int64_t made_of(const hypernet *layer, const odeon_shape *in)
{
    return layer->units * (in->dim[in->ndim - 1] + 1);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const hypernet *layer = self;
    if (plan->in.ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "hypernet: the input is %s; it takes features [B,...,N]",
                          shape_print(&plan->in).text);
    }
    int64_t width = plan->in.dim[0] * odeon_dtype_bytes(plan->in.dtype), one = sizeof(double);
    int64_t at_least = width > one ? width : one; /* one time, no sample */
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T;
    plan->out = plan->in;
    plan->out.dim[plan->in.ndim - 1] = layer->units;
    plan->scratch_bytes = 2 * (shape_aligned(at_least) + shape_aligned(at_least * layer->hidden) +
                               shape_aligned(at_least * made_of(layer, &plan->in)));
    return ODEON_OK;
}

/* As dense layers' in PyTorch: uniform on +-1/sqrt(fan_in). */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"hidden_weight", "hidden_bias", "weight", "bias"};
    const hypernet *layer = self;
    if (index > BIAS) {
        return ODEON_OK;
    }
    int64_t outputs = index < WEIGHT ? layer->hidden : made_of(layer, in);
    int64_t inputs = index < WEIGHT ? 1 : layer->hidden;
    int32_t is_bias = index == HIDDEN_BIAS || index == BIAS;
    out->role = is_bias ? ODEON_PARAM_BIAS : ODEON_PARAM_WEIGHT;
    out->shape = is_bias ? (odeon_shape){.ndim = 1, .dim = {outputs}}
                         : (odeon_shape){.ndim = 2, .dim = {outputs, inputs}};
    out->name = names[index];
    out->init = ODEON_INIT_UNIFORM;
    out->init_b = inputs > 0 ? 1.0 / sqrt((double)inputs) : 0.0;
    out->init_a = -out->init_b;
    return ODEON_OK;
}

static odeon_tensor next(const working *w, char **at, int64_t columns)
{
    odeon_shape shape = {.ndim = 2, .dtype = w->dtype, .dim = {w->times, columns}};
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(odeon_bytes(&shape));
    return x;
}

static odeon_status begin(const hypernet *layer, const odeon_layer_call *call, working *w)
{
    if (call->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "hypernet is outside of an ODE block, where there is no time");
    }
    const odeon_shape *in = &call->in->shape;
    char *at = call->scratch;
    *w = (working){.layer = layer,
                   .call = call,
                   .times = odeon_count(&call->t->shape),
                   .features = in->dim[in->ndim - 1],
                   .made = made_of(layer, in),
                   .dtype = in->dtype};
    int64_t elements = w->features > 0 ? odeon_count(in) / w->features : 0;
    w->rows = w->times > 0 ? elements / w->times : 0;
    w->t = next(w, &at, 1);
    w->hidden = next(w, &at, layer->hidden);
    w->theta = next(w, &at, w->made);
    w->d_t = next(w, &at, 1);
    w->d_hidden = next(w, &at, layer->hidden);
    w->d_theta = next(w, &at, w->made);
    return ODEON_OK;
}

/* t, hidden and theta. */
static odeon_status make_weights(const working *w)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(
        ODEON_DO(call->device, move, cast, call->queue, .x = call->t, .y = &w->t, .scale = 1.0));
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &w->t.view,
                       .b = &call->param[HIDDEN_WEIGHT], .trans_b = 1, .c = &w->hidden,
                       .bias = &call->param[HIDDEN_BIAS], .act = ODEON_UNARY_TANH));
    return ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &w->hidden.view,
                    .b = &call->param[WEIGHT], .trans_b = 1, .c = &w->theta,
                    .bias = &call->param[BIAS]);
}

/* W of time i in theta or its cotangent, and b behind it. */
static odeon_tensor matrix_of(const working *w, const odeon_tensor *theta, int64_t i)
{
    odeon_shape shape = {.ndim = 2, .dtype = w->dtype, .dim = {w->layer->units, w->features}};
    char *at = (char *)odeon_write(theta) + i * w->made * odeon_dtype_bytes(w->dtype);
    return odeon_tensor_at(at, shape);
}

static odeon_tensor bias_of(const working *w, const odeon_tensor *theta, int64_t i)
{
    odeon_shape shape = {.ndim = 1, .dtype = w->dtype, .dim = {w->layer->units}};
    int64_t before = i * w->made + w->layer->units * w->features;
    return odeon_tensor_at((char *)odeon_write(theta) + before * odeon_dtype_bytes(w->dtype),
                           shape);
}

/* The rows of x that have time i. */
static odeon_view rows_of(const working *w, const odeon_view *x, int64_t i)
{
    odeon_shape shape = {
        .ndim = 2, .dtype = w->dtype, .dim = {w->rows, x->shape.dim[x->shape.ndim - 1]}};
    odeon_view rows = shape_view(x, shape);
    rows.data = (const char *)x->data + i * odeon_bytes(&shape);
    return rows;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    working w;
    ODEON_TRY(begin(self, call, &w));
    ODEON_TRY(make_weights(&w));
    for (int64_t i = 0; i < w.times; i++) {
        odeon_view x = rows_of(&w, call->in, i);
        odeon_tensor y = {rows_of(&w, &call->out->view, i)};
        odeon_tensor matrix = matrix_of(&w, &w.theta, i), bias = bias_of(&w, &w.theta, i);
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &x,
                           .b = &matrix.view, .trans_b = 1, .c = &y, .bias = &bias.view));
    }
    return ODEON_OK;
}

/* The dense layer's own vjp at time i: d_in, and the cotangent of its weights in d_theta. */
static odeon_status dense_vjp(const working *w, int64_t i)
{
    const odeon_layer_call *call = w->call;
    odeon_view x = rows_of(w, call->in, i), dy = rows_of(w, call->d_out, i);
    odeon_tensor matrix = matrix_of(w, &w->theta, i), d_matrix = matrix_of(w, &w->d_theta, i);
    odeon_tensor d_bias = bias_of(w, &w->d_theta, i);
    odeon_view channels = shape_channels_view(&dy);
    if (call->d_in != NULL) {
        odeon_tensor dx = {rows_of(w, &call->d_in->view, i)};
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &dy,
                           .b = &matrix.view, .c = &dx));
    }
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &dy,
                       .trans_a = 1, .b = &x, .c = &d_matrix));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &d_bias, .value = odeon_imm(0.0)));
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                    .bias = &d_bias);
}

/* Adds the gradients of a layer of the small network from its cotangent [n,...] and its input. */
static odeon_status add_gradients(const working *w, int32_t weight, const odeon_tensor *bar,
                                  const odeon_tensor *input)
{
    const odeon_layer_call *call = w->call;
    odeon_view channels = shape_channels_view(&bar->view);
    if (call->grad == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &bar->view,
                       .trans_a = 1, .b = &input->view, .beta = 1.0, .c = &call->grad[weight]));
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                    .bias = &call->grad[weight + 1]);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    working w;
    ODEON_TRY(begin(self, call, &w));
    ODEON_TRY(make_weights(&w));
    for (int64_t i = 0; i < w.times; i++) {
        ODEON_TRY(dense_vjp(&w, i));
    }
    ODEON_TRY(add_gradients(&w, WEIGHT, &w.d_theta, &w.hidden));
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &w.d_theta.view,
                       .b = &call->param[WEIGHT], .c = &w.d_hidden));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_TANH,
                       .kept = &w.hidden.view, .dy = &w.d_hidden.view, .dx = &w.d_hidden));
    ODEON_TRY(add_gradients(&w, HIDDEN_WEIGHT, &w.d_hidden, &w.t));
    if (call->d_t == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0,
                       .a = &w.d_hidden.view, .b = &call->param[HIDDEN_WEIGHT], .c = &w.d_t));
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &w.d_t.view, .rows = w.times,
                    .cols = 1, .pitch = 1, .v = call->d_t);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "hypernet", &ops,
                     "dense layer whose weights a small network makes of the time t",
                     "Ha, Dai, Le, HyperNetworks, 2017", "hyper|hyperlinear", hypernet, options,
                     NULL, NULL);
