/* dense: y = x W^T + b, x [B,N] or [B,T,N], W [units,N], b [units] -> y [B,units] or [B,T,units];
 * as torch.nn.Linear. With time every row of x has t as an additional number: W [units,N+1]. */
#include "../common/init.h"
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "odeon/plugin.h"

typedef struct dense {
    const odeon_host *host;
    int64_t units;
    init_choice init;
    int32_t time; /* TIME_* */
} dense;

static const odeon_option units = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_SIZE,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "units",
    .aliases = "hidden|hiddenunits|hiddensize|width|outfeatures|outputsize|neurons|nout",
    .help = "outputs of every sample",
};
static const odeon_option *const options[] = {&units,
                                              &time_option,
                                              &init_option_bias,
                                              &init_option_weight,
                                              &init_option_gain,
                                              &init_option_std,
                                              &init_option_bias_values,
                                              &init_option_bias_gain,
                                              NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    dense *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "dense: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (dense){.host = host,
                     .units = host->option_i64(config, "units"),
                     .init = init_read(host, config),
                     .time = (int32_t)host->option_i64(config, "time")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    dense *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* x [B,N] or [B,T,N] viewed as the matrix [rows,N]; with time the shape [rows,N+1] of the extended
 * matrix. */
static odeon_tensor rows_of(const odeon_tensor *x, int32_t time)
{
    odeon_tensor out = {.data = x->data, .dim = {1}, .ndim = 2, .dtype = x->dtype};
    for (int32_t i = 0; i + 1 < x->ndim; i++) {
        out.dim[0] *= x->dim[i];
    }
    out.dim[1] = x->dim[x->ndim - 1] + (time != TIME_NO ? 1 : 0);
    return out;
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const dense *layer = self;
    /* applying it to the rows of an image would be a mistake */
    if (in->ndim != 2 && in->ndim != 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "dense: the input is %s; it takes vectors [B,N] or sequences of them "
                          "[B,T,N]: put flatten before it",
                          shape_print(in).text);
    }
    out->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE;
    out->out = *in;
    out->out.dim[in->ndim - 1] = layer->units;
    if (layer->time != TIME_NO) {
        odeon_tensor x = rows_of(in, layer->time);
        out->flags |= ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T;
        out->scratch_bytes = (uint64_t)(odeon_count(&x) * odeon_dtype_bytes(x.dtype));
    }
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    const dense *layer = self;
    odeon_tensor x = rows_of(in, layer->time);
    odeon_tensor weight = {.dim = {layer->units, x.dim[1]}, .ndim = 2};
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* x = the rows of in, or the rows with time, made in scratch. */
static odeon_status join(const dense *layer, const odeon_context *context,
                         const odeon_buffers *buffers, const odeon_tensor *in, odeon_tensor *x)
{
    *x = rows_of(in, layer->time);
    if (layer->time == TIME_NO) {
        return ODEON_OK;
    }
    x->data = buffers->scratch;
    odeon_tensor rows = rows_of(in, TIME_NO);
    odeon_tensor from = shape_channels(&rows), to = shape_channels(x);
    return time_join(layer->host, "dense with time", context, layer->time, &from, &to);
}

/* in [rows,N], weight [units,N], bias [units] -> out [rows,units]; bias and the next layer's
 * function are fused. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const dense *layer = self;
    odeon_tensor x, y = rows_of(out, TIME_NO);
    ODEON_TRY(join(layer, context, buffers, in, &x));
    odeon_epilogue epilogue = {.bias = layer->init.bias ? &buffers->param[1] : NULL,
                               .act = context->epilogue_act};
    return context->device->ops->gemm(context->queue, 0, 1, 1.0, &x, &buffers->param[0], 0.0, &y,
                                      &epilogue);
}

/* dx = dy W, then split into d_in and d_t. */
static odeon_status vjp_of_input(const dense *layer, const odeon_context *context,
                                 const odeon_buffers *buffers, const odeon_tensor *in,
                                 const odeon_tensor *dy, const odeon_tensor *d_in,
                                 const odeon_tensor *d_t)
{
    odeon_tensor dx = rows_of(in, layer->time);
    dx.data = layer->time == TIME_NO ? d_in->data : buffers->scratch;
    ODEON_TRY(context->device->ops->gemm(context->queue, 0, 0, 1.0, dy, &buffers->param[0], 0.0,
                                         &dx, NULL));
    odeon_tensor flat = shape_channels(&dx);
    return layer->time == TIME_NO ? ODEON_OK : time_part(context, layer->time, &flat, d_in, d_t);
}

/* dW += dy^T x, db += column sums of dy. The rows with time are built again rather than kept. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)out;
    const dense *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    odeon_tensor dy = rows_of(d_out, TIME_NO);
    if (d_in != NULL || (d_t != NULL && layer->time != TIME_NO)) {
        ODEON_TRY(vjp_of_input(layer, context, buffers, in, &dy, d_in, d_t));
    }
    if (buffers->grad != NULL) {
        odeon_tensor x;
        ODEON_TRY(join(layer, context, buffers, in, &x));
        ODEON_TRY(ops->gemm(context->queue, 1, 0, 1.0, &dy, &x, 1.0, &buffers->grad[0], NULL));
        if (layer->init.bias) {
            odeon_tensor d_channels = shape_channels(&dy);
            ODEON_TRY(ops->channel_sum(context->queue, &d_channels, &buffers->grad[1]));
        }
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "dense",
    .aliases = "linear|fc|fullyconnected|affine|mlp",
    .summary = "fully connected layer: every output is a weighted sum of all inputs",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/dense");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "dense",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
