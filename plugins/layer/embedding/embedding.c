/* embedding: a learned row for every class: x [B,...] of numbers 0 .. classes - 1 -> y [B,...,D]
 * with y = values + weight[x]; as torch.nn.Embedding, values being 0 unless given. Between two
 * whole numbers y is linear, and outside it falls to values.
 *
 * Row k counts by h_k = max(0, 1 - |x - k|), so that y is h^T weight: a product, whose vjp needs no
 * scattered sum. h [V,R] takes V times the numbers of x. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct embedding {
    ODEON_INSTANCE;
    int64_t classes, units;
    odeon_f64_list values;
    double deviation;
} embedding;

static const odeon_option *const options[] = {
    ODEON_OPTION(embedding, classes, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "numembeddings|vocabulary|categories|n",
                 .help = "numbers that the input may hold: 0 to classes - 1"),
    ODEON_OPTION(embedding, units, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "embeddingdim|dim|features", .help = "features of a class"),
    ODEON_OPTION(embedding, values, F64_LIST, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "initial|mean|offset",
                 .help = "what is added to every row, one number a feature: with deviation = 0 "
                         "where a learned start of each series begins"),
    ODEON_OPTION(embedding, deviation, F64, .aliases = "std|stddev|initstd", .default_text = "1",
                 .min_text = "0", .help = "of the initial rows, normal around 0"),
    NULL};

static odeon_status init(void *self)
{
    const embedding *layer = self;
    return layer->values.n == 0 || layer->values.n == layer->units
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "embedding: values has %lld numbers, units is %lld: give one a feature",
                            (long long)layer->values.n, (long long)layer->units);
}

/* [V,R] at memory. */
static odeon_shape table_shape(const embedding *layer, const odeon_shape *in)
{
    return (odeon_shape){.ndim = 2, .dtype = in->dtype, .dim = {layer->classes, odeon_count(in)}};
}

static uint64_t table_bytes(const embedding *layer, const odeon_shape *in)
{
    odeon_shape table = table_shape(layer, in);
    return ((uint64_t)odeon_bytes(&table) + 63) / 64 * 64;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const embedding *layer = self;
    if (plan->in.ndim >= ODEON_MAX_DIMS) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "embedding: the input is %s; there is no dimension left for features",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    plan->out.dim[plan->out.ndim++] = layer->units;
    plan->scratch_bytes =
        3 * table_bytes(layer, &plan->in) + (uint64_t)layer->values.n * sizeof(double);
    return ODEON_OK;
}

/* Normal, as PyTorch's. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const embedding *layer = self;
    (void)in;
    if (index > 0) {
        return ODEON_OK;
    }
    out->role = ODEON_PARAM_WEIGHT;
    out->shape = (odeon_shape){.ndim = 2, .dim = {layer->classes, layer->units}};
    out->name = "weight";
    out->init = ODEON_INIT_NORMAL;
    out->init_b = layer->deviation;
    return ODEON_OK;
}

/* difference[k] = x - k; h[k] = max(0, 1 - |x - k|), by way of other. */
static odeon_status weigh(const odeon_layer_call *call, const odeon_tensor *difference,
                          const odeon_tensor *other, const odeon_tensor *h)
{
    const odeon_shape *shape = &h->view.shape;
    odeon_shape row = {.ndim = 1, .dtype = shape->dtype, .dim = {shape->dim[1]}};
    for (int64_t k = 0; k < shape->dim[0]; k++) {
        odeon_tensor y =
            odeon_tensor_at((char *)odeon_write(difference) + k * odeon_bytes(&row), row);
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = call->in, .y = &y,
                           .scale = 1.0, .shift = -(double)k));
    }
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_ABS,
                       .x = &difference->view, .y = other));
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &other->view, .y = h,
                       .scale = -1.0, .shift = 1.0));
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                    .x = &h->view, .y = h);
}

/* x [B,...,D] as rows [R,D]. */
static odeon_shape rows_of(const odeon_shape *x)
{
    int64_t features = x->dim[x->ndim - 1];
    return (odeon_shape){
        .ndim = 2, .dtype = x->dtype, .dim = {odeon_count(x) / features, features}};
}

static odeon_tensor table(const embedding *layer, const odeon_layer_call *call, int32_t index)
{
    const odeon_shape *in = &call->in->shape;
    char *at = (char *)call->scratch + (uint64_t)index * table_bytes(layer, in);
    return odeon_tensor_at(at, table_shape(layer, in));
}

/* The numbers of the options [D], behind the tables, where the device can read them. */
static odeon_status set_values(const embedding *layer, const odeon_layer_call *call,
                               odeon_tensor *out)
{
    uint32_t dtype = call->param[0].shape.dtype;
    char *at = (char *)call->scratch + 3 * table_bytes(layer, &call->in->shape);
    odeon_shape one = {.ndim = 1, .dtype = dtype, .dim = {1}}, all = one;
    all.dim[0] = layer->values.n;
    *out = odeon_tensor_at(at, all);
    for (int64_t i = 0; i < layer->values.n; i++) {
        odeon_tensor y = odeon_tensor_at(at + i * odeon_dtype_bytes(dtype), one);
        ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &y,
                           .value = odeon_imm(layer->values.at[i])));
    }
    return ODEON_OK;
}

/* in [B,...], weight [V,D] -> out [B,...,D]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const embedding *layer = self;
    odeon_tensor difference = table(layer, call, 0), other = table(layer, call, 1);
    odeon_tensor h = table(layer, call, 2);
    odeon_tensor y = shape_tensor(call->out, rows_of(&call->out->view.shape));
    odeon_tensor values;
    ODEON_TRY(set_values(layer, call, &values));
    ODEON_TRY(weigh(call, &difference, &other, &h));
    return ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &h.view,
                    .trans_a = 1, .b = &call->param[0],
                    .bias = layer->values.n > 0 ? &values.view : NULL, .c = &y);
}

/* d_in = - sum over k of (weight dy^T)_k where h_k > 0, with the sign of x - k. */
static odeon_status vjp_of_input(const odeon_layer_call *call, const odeon_view *dy,
                                 const odeon_tensor *difference, const odeon_tensor *bar,
                                 const odeon_tensor *h)
{
    odeon_view classes = shape_channels_view(&bar->view);
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = -1.0,
                       .a = &call->param[0], .b = dy, .trans_b = 1, .c = bar));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                       .kept = &h->view, .dy = &bar->view, .dx = bar));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_ABS,
                       .kept = &difference->view, .dy = &bar->view, .dx = bar));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in, .value = odeon_imm(0.0)));
    odeon_tensor sum = shape_tensor(
        call->d_in,
        (odeon_shape){.ndim = 1, .dtype = classes.shape.dtype, .dim = {classes.shape.dim[1]}});
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &classes, .bias = &sum);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const embedding *layer = self;
    odeon_tensor difference = table(layer, call, 0), bar = table(layer, call, 1);
    odeon_tensor h = table(layer, call, 2);
    odeon_view dy = shape_view(call->d_out, rows_of(&call->d_out->shape));
    ODEON_TRY(weigh(call, &difference, &bar, &h));
    if (call->grad != NULL) {
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = &h.view,
                           .b = &dy, .beta = 1.0, .c = &call->grad[0]));
    }
    return call->d_in != NULL ? vjp_of_input(call, &dy, &difference, &bar, &h) : ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "embedding", &ops, "a learned row of features for every class", NULL,
                     "lookup|embed", embedding, options, init, NULL);
