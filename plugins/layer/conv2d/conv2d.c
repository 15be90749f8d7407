/* conv2d: cross-correlation of images with filters, zero padded: x [B,C,H,W], weight [K,C,R,S],
 * bias [K] -> y [B,K,P,Q]; P = (H + 2 padding - R) / stride + 1 rounded down, Q likewise; as
 * torch.nn.Conv2d. With time the images have t as an additional channel: weight [K,C+1,R,S]. */
#include "../common/init.h"
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "../common/window.h"
#include "odeon/plugin.h"

typedef struct conv2d {
    const odeon_host *host;
    int64_t filters;
    window window;
    odeon_conv2d geometry;
    init_choice init;
    int32_t time; /* TIME_* */
} conv2d;

static const odeon_option filters = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_SIZE,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "filters",
    .aliases = "outchannels|channels|nfilters|features",
    .help = "output channels",
};
static const odeon_option kernel = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "kernel",
    .aliases = "kernelsize|filtersize|ksize",
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "edge of the filters, or height and width",
};
static const odeon_option stride = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "stride",
    .aliases = "strides",
    .default_text = "1",
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "distance between two positions of a filter, or down and across",
};
static const odeon_option padding = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "padding",
    .aliases = "pad|pads",
    .default_text = "0",
    .min_text = "0",
    .max_text = "65535",
    .unit = "pixels",
    .help = "zeros added on every side, or above and below, left and right",
};
static const odeon_option *const options[] = {&filters,
                                              &kernel,
                                              &stride,
                                              &padding,
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
    window w;
    ODEON_TRY(window_read(host, config, "conv2d", &w));
    conv2d *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "conv2d: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (conv2d){
        .host = host,
        .filters = host->option_i64(config, "filters"),
        .window = w,
        .geometry = {.stride_h = w.stride_h,
                     .stride_w = w.stride_w,
                     .padding_h = w.padding_h,
                     .padding_w = w.padding_w},
        .init = init_read(host, config),
        .time = (int32_t)host->option_i64(config, "time"),
    };
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    conv2d *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* The shape that is convolved: the input, with time one channel more. */
static odeon_tensor product_shape(const conv2d *layer, const odeon_tensor *in)
{
    odeon_tensor x = *in;
    x.dim[1] += layer->time != TIME_NO ? 1 : 0;
    return x;
}

/* x is the image with its time channel, so the weight has one input channel more. */
static odeon_tensor weight_shape(const conv2d *layer, const odeon_tensor *x)
{
    return (odeon_tensor){
        .dim = {layer->filters, x->dim[1], layer->window.kernel_h, layer->window.kernel_w},
        .ndim = 4,
        .dtype = x->dtype};
}

/* Scratch holds the image with its time channel, then the scratch of the convolution. */
static uint64_t image_bytes(const conv2d *layer, const odeon_tensor *x)
{
    uint64_t bytes = (uint64_t)(odeon_count(x) * odeon_dtype_bytes(x->dtype));
    return layer->time == TIME_NO ? 0 : (bytes + 63) / 64 * 64;
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)flags;
    const conv2d *layer = self;
    int64_t height = 0, width = 0;
    ODEON_TRY(window_outputs(layer->host, "conv2d", &layer->window, in, &height, &width));
    odeon_tensor x = product_shape(layer, in), weight = weight_shape(layer, &x);
    out->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE |
                 (layer->time != TIME_NO ? ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T : 0);
    out->out = (odeon_tensor){
        .dim = {in->dim[0], layer->filters, height, width}, .ndim = 4, .dtype = in->dtype};
    out->scratch_bytes = image_bytes(layer, &x) +
                         device->ops->conv2d_scratch(device->self, &layer->geometry, &x, &weight);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    const conv2d *layer = self;
    odeon_tensor x = product_shape(layer, in), weight = weight_shape(layer, &x);
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* x = in, or the image with its time channel, made in scratch. */
static odeon_status join(const conv2d *layer, const odeon_context *context,
                         const odeon_buffers *buffers, const odeon_tensor *in, odeon_tensor *x)
{
    *x = product_shape(layer, in);
    if (layer->time == TIME_NO) {
        return ODEON_OK;
    }
    x->data = buffers->scratch;
    odeon_tensor from = shape_channels(in), to = shape_channels(x);
    return time_join(layer->host, "conv2d with time", context, layer->time, &from, &to);
}

/* in [B,C,H,W], weight [K,C,R,S], bias [K] -> out [B,K,P,Q]; bias and the next layer's function are
 * fused. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const conv2d *layer = self;
    odeon_tensor x;
    ODEON_TRY(join(layer, context, buffers, in, &x));
    odeon_epilogue epilogue = {.bias = layer->init.bias ? &buffers->param[1] : NULL,
                               .act = context->epilogue_act};
    return context->device->ops->conv2d(context->queue, &layer->geometry, &x, &buffers->param[0],
                                        &epilogue, out,
                                        (char *)buffers->scratch + image_bytes(layer, &x));
}

/* The gradient of the extended image, then split into d_in and d_t. */
static odeon_status vjp_of_input(const conv2d *layer, const odeon_context *context,
                                 const odeon_buffers *buffers, const odeon_tensor *in,
                                 const odeon_tensor *d_out, const odeon_tensor *d_in,
                                 const odeon_tensor *d_t)
{
    const odeon_device_ops *ops = context->device->ops;
    odeon_tensor dx = product_shape(layer, in);
    dx.data = layer->time == TIME_NO ? d_in->data : buffers->scratch;
    ODEON_TRY(ops->conv2d_vjp_x(context->queue, &layer->geometry, &buffers->param[0], d_out, &dx,
                                (char *)buffers->scratch + image_bytes(layer, &dx)));
    odeon_tensor flat = shape_channels(&dx);
    return layer->time == TIME_NO ? ODEON_OK : time_part(context, layer->time, &flat, d_in, d_t);
}

/* The image with time is built again rather than kept. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)out;
    const conv2d *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    if (d_in != NULL || (d_t != NULL && layer->time != TIME_NO)) {
        ODEON_TRY(vjp_of_input(layer, context, buffers, in, d_out, d_in, d_t));
    }
    if (buffers->grad != NULL) {
        odeon_tensor x;
        ODEON_TRY(join(layer, context, buffers, in, &x));
        ODEON_TRY(ops->conv2d_vjp_w(context->queue, &layer->geometry, &x, d_out, &buffers->grad[0],
                                    (char *)buffers->scratch + image_bytes(layer, &x)));
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
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "conv2d",
    .aliases = "conv|convolution|convolution2d|convolutional",
    .summary = "convolution of images with learned filters",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/conv2d");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "conv2d",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
