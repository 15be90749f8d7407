/* conv_transpose2d: the transpose of conv2d, which enlarges images: x [B,C,P,Q], weight [C,K,R,S],
 * bias [K] -> y [B,K,H,W] with H = (P - 1) stride - 2 padding + R + output_padding, W likewise; as
 * torch.nn.ConvTranspose2d. Its forward is conv2d's vjp by the image, and the other way round. */
#include "../common/init.h"
#include "../common/shape.h"
#include "../common/window.h"
#include "odeon/device_conv.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

typedef struct transposed {
    ODEON_INSTANCE;
    int64_t filters, output_padding;
    window window;
    odeon_conv_geometry geometry;
    init_choice init;
} transposed;

static const odeon_option *const options[] = {
    ODEON_OPTION(transposed, filters, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "outchannels|channels|nfilters|features", .help = "output channels"),
    ODEON_OPTION_AS(transposed, window.kernel, I64_LIST, "kernel", .flags = ODEON_OPTION_REQUIRED,
                    .aliases = "kernelsize|filtersize|ksize", .min_text = "1", .max_text = "65535",
                    .unit = "pixels", .help = "edge of the filters, or height and width"),
    ODEON_OPTION_AS(transposed, window.stride, I64_LIST, "stride", .aliases = "strides",
                    .default_text = "1", .min_text = "1", .max_text = "65535", .unit = "pixels",
                    .help = "distance between the filters of two inputs, or down and across"),
    ODEON_OPTION_AS(transposed, window.padding, I64_LIST, "padding", .aliases = "pad|pads",
                    .default_text = "0", .min_text = "0", .max_text = "65535", .unit = "pixels",
                    .help = "rows and columns cut off on every side"),
    ODEON_OPTION(transposed, output_padding, I64, .default_text = "0", .min_text = "0",
                 .max_text = "65534", .unit = "pixels",
                 .help = "rows and columns more at the lower right, less than the stride"),
    INIT_OPTIONS(transposed),
    NULL};

static odeon_status init(void *self)
{
    transposed *layer = self;
    const window *w = &layer->window;
    ODEON_TRY(window_init(layer->host, "conv_transpose2d", &layer->window));
    layer->geometry = (odeon_conv_geometry){.stride_h = w->stride_h,
                                            .stride_w = w->stride_w,
                                            .padding_h = w->padding_h,
                                            .padding_w = w->padding_w};
    return layer->output_padding < w->stride_h && layer->output_padding < w->stride_w
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "conv_transpose2d: output_padding = %lld is not less than the stride",
                            (long long)layer->output_padding);
}

static odeon_shape weight_shape(const transposed *layer, const odeon_shape *in)
{
    const window *w = &layer->window;
    return (odeon_shape){.ndim = 4,
                         .dtype = in->dtype,
                         .dim = {in->dim[1], layer->filters, w->kernel_h, w->kernel_w}};
}

static odeon_shape out_shape(const transposed *layer, const odeon_shape *in)
{
    const window *w = &layer->window;
    odeon_shape out = *in;
    out.dim[1] = layer->filters;
    out.dim[2] =
        (in->dim[2] - 1) * w->stride_h - 2 * w->padding_h + w->kernel_h + layer->output_padding;
    out.dim[3] =
        (in->dim[3] - 1) * w->stride_w - 2 * w->padding_w + w->kernel_w + layer->output_padding;
    return out;
}

/* Scratch begins with what add_bias needs: ones [K] in the run's dtype and F64 [2,K]. */
static uint64_t bias_bytes(const transposed *layer, const odeon_shape *in)
{
    int64_t n = layer->filters;
    return shape_aligned(n * odeon_dtype_bytes(in->dtype)) +
           shape_aligned(2 * n * (int64_t)sizeof(double));
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const transposed *layer = self;
    if (plan->in.ndim != 4) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "conv_transpose2d: the input is %s; it takes images [B,C,H,W]",
                          shape_print(&plan->in).text);
    }
    odeon_shape weight = weight_shape(layer, &plan->in), out = out_shape(layer, &plan->in);
    if (out.dim[2] < 1 || out.dim[3] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "conv_transpose2d: padding leaves nothing of the images %s",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR;
    plan->out = out;
    plan->scratch_bytes =
        bias_bytes(layer, &plan->in) +
        plan->device->conv->conv2d_scratch(plan->device, &layer->geometry, &out, &weight);
    return ODEON_OK;
}

/* The fans are those of the weight's own shape, as PyTorch has them. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const transposed *layer = self;
    odeon_shape weight = weight_shape(layer, in);
    init_param(&layer->init, &weight, index, out);
    if (index == 1 && layer->init.bias) {
        out->shape.dim[0] = layer->filters;
    }
    return ODEON_OK;
}

static void *convolution_scratch(const transposed *layer, const odeon_layer_call *call,
                                 const odeon_shape *in)
{
    return (char *)call->scratch + bias_bytes(layer, in);
}

/* y[B,K,H,W] += bias[K]: a batch norm of mean 0, rstd 1 and weight 1. */
static odeon_status add_bias(const transposed *layer, const odeon_layer_call *call)
{
    odeon_shape one = {.ndim = 1, .dtype = call->in->shape.dtype, .dim = {layer->filters}};
    odeon_shape two = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {2, layer->filters}};
    odeon_tensor ones = odeon_tensor_at(call->scratch, one);
    odeon_tensor stats =
        odeon_tensor_at((char *)call->scratch + shape_aligned(odeon_bytes(&one)), two);
    odeon_tensor rstd = stats, y = shape_channels_tensor(call->out);
    two.dim[0] = 1;
    rstd = odeon_tensor_at((double *)odeon_write(&stats) + layer->filters, two);
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &ones, .value = odeon_imm(1.0)));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &stats, .value = odeon_imm(0.0)));
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &rstd, .value = odeon_imm(1.0)));
    return ODEON_DO(call->device, norm, batch_norm, call->queue, .x = &y.view, .stats = &stats.view,
                    .w = &ones.view, .b = &call->param[1], .y = &y);
}

/* in [B,C,P,Q], weight [C,K,R,S], bias [K] -> out [B,K,H,W]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const transposed *layer = self;
    ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_x, call->queue, .geometry = layer->geometry,
                       .w = &call->param[0], .dy = call->in, .dx = call->out,
                       .scratch = convolution_scratch(layer, call, &call->in->shape)));
    return layer->init.bias ? add_bias(layer, call) : ODEON_OK;
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const transposed *layer = self;
    void *scratch = convolution_scratch(layer, call, &call->in->shape);
    if (call->d_in != NULL) {
        ODEON_TRY(ODEON_DO(call->device, conv, conv2d, call->queue, .geometry = layer->geometry,
                           .x = call->d_out, .w = &call->param[0], .y = call->d_in,
                           .scratch = scratch));
    }
    if (call->grad == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_w, call->queue, .geometry = layer->geometry,
                       .x = call->d_out, .dy = call->in, .dw = &call->grad[0], .scratch = scratch));
    odeon_view channels = shape_channels_view(call->d_out);
    return layer->init.bias ? ODEON_DO(call->device, product, channel_sum, call->queue,
                                       .x = &channels, .bias = &call->grad[1])
                            : ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "conv_transpose2d", &ops,
                     "transposed convolution, which enlarges images with learned filters",
                     "Dumoulin, Visin, A guide to convolution arithmetic, 2016, section 4",
                     "convtranspose|deconv|deconvolution|transposedconvolution", transposed,
                     options, init, NULL);
