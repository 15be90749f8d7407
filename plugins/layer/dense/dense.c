/* dense: y = x W^T + b, x[B,N], W[units,N], b[units], y[B,units]; as torch.nn.Linear. */
#include "../common/init.h"
#include "../common/shape.h"
#include "odeon/plugin.h"

typedef struct dense {
    const odeon_host *host;
    int64_t units;
    init_choice init;
} dense;

static const odeon_option units = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_SIZE,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "units",
    .help = "outputs of every sample",
};
static const odeon_option *const options[] = {&units, &init_option_bias, &init_option_weight,
                                              &init_option_bias_values, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    dense *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "dense: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (dense){
        .host = host, .units = host->option_i64(config, "units"), .init = init_read(host, config)};
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

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const dense *layer = self;
    if (in->ndim != 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "dense: the input is %s; it takes vectors [B,N]: put flatten before it",
                          shape_print(in).text);
    }
    out->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE;
    out->out = (odeon_tensor){.dim = {in->dim[0], layer->units}, .ndim = 2, .dtype = in->dtype};
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    const dense *layer = self;
    odeon_tensor weight = {.dim = {layer->units, in->dim[1]}, .ndim = 2};
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const dense *layer = self;
    odeon_epilogue epilogue = {.bias = layer->init.bias ? &buffers->param[1] : NULL,
                               .act = context->epilogue_act};
    return context->device->ops->gemm(context->queue, 0, 1, 1.0, in, &buffers->param[0], 0.0, out,
                                      &epilogue);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)out;
    (void)d_t;
    const dense *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    if (d_in != NULL) {
        ODEON_TRY(ops->gemm(context->queue, 0, 0, 1.0, d_out, &buffers->param[0], 0.0, d_in, NULL));
    }
    if (buffers->grad != NULL) {
        ODEON_TRY(ops->gemm(context->queue, 1, 0, 1.0, d_out, in, 1.0, &buffers->grad[0], NULL));
        if (layer->init.bias) {
            odeon_tensor d_channels = shape_channels(d_out);
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
    .id = "dense",
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
};
