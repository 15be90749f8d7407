/* conv2d: cross-correlation of images with filters, zero padded: x [B,C,H,W], weight [K,C,R,S],
 * bias [K] -> y [B,K,P,Q]; P = (H + 2 padding - R) / stride + 1 rounded down, Q likewise; as
 * torch.nn.Conv2d. With time the images have t as an additional channel: weight [K,C+1,R,S]. */
#include "../common/init.h"
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "../common/window.h"
#include "odeon/device_conv.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

typedef struct conv2d {
    ODEON_INSTANCE;
    int64_t filters;
    window window;
    odeon_conv_geometry geometry;
    init_choice init;
    int64_t time; /* TIME_* */
    /* The device that plans were made for has the fused operators: they are called, and no image
     * with a time channel is made. Calls on another device that shares its memory do the same. */
    int32_t is_fused, reserved0;
} conv2d;

static const odeon_option *const options[] = {
    ODEON_OPTION(conv2d, filters, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "outchannels|channels|nfilters|features", .help = "output channels"),
    ODEON_OPTION_AS(conv2d, window.kernel, I64_LIST, "kernel", .flags = ODEON_OPTION_REQUIRED,
                    .aliases = "kernelsize|filtersize|ksize", .min_text = "1", .max_text = "65535",
                    .unit = "pixels", .help = "edge of the filters, or height and width"),
    ODEON_OPTION_AS(conv2d, window.stride, I64_LIST, "stride", .aliases = "strides",
                    .default_text = "1", .min_text = "1", .max_text = "65535", .unit = "pixels",
                    .help = "distance between two positions of a filter, or down and across"),
    ODEON_OPTION_AS(conv2d, window.padding, I64_LIST, "padding", .aliases = "pad|pads",
                    .default_text = "0", .min_text = "0", .max_text = "65535", .unit = "pixels",
                    .help = "zeros added on every side, or above and below, left and right"),
    TIME_OPTION(conv2d),
    INIT_OPTIONS(conv2d),
    NULL};

static odeon_status init(void *self)
{
    conv2d *layer = self;
    const window *w = &layer->window;
    ODEON_TRY(window_init(layer->host, "conv2d", &layer->window));
    layer->geometry = (odeon_conv_geometry){.stride_h = w->stride_h,
                                            .stride_w = w->stride_w,
                                            .padding_h = w->padding_h,
                                            .padding_w = w->padding_w};
    return ODEON_OK;
}

/* The shape that is convolved: the input, with time one channel more, whether that is an option of
 * this layer or its input has it (time_channel of a plan or a call). */
static odeon_shape image_shape(const conv2d *layer, const odeon_shape *in, int32_t time_channel)
{
    odeon_shape x = *in;
    x.dim[1] += layer->time != TIME_NO || time_channel != TIME_NO ? 1 : 0;
    return x;
}

/* x is the image with its time channel, so the weight has one input channel more. */
static odeon_shape weight_shape(const conv2d *layer, const odeon_shape *x)
{
    return (odeon_shape){
        .ndim = 4,
        .dtype = x->dtype,
        .dim = {layer->filters, x->dim[1], layer->window.kernel_h, layer->window.kernel_w}};
}

static int64_t where_time_is(const conv2d *layer, const odeon_layer_call *call)
{
    return layer->time != TIME_NO ? layer->time : call->time_channel;
}

/* What goes to the fused operators in place of such an image. */
static const odeon_view *time_of(const conv2d *layer, const odeon_layer_call *call)
{
    return where_time_is(layer, call) != TIME_NO ? call->t : NULL;
}

/* Scratch holds the image with its time channel, then the scratch of the convolution; or that of
 * the fused operators. */
static uint64_t image_bytes(const conv2d *layer, const odeon_shape *x)
{
    return layer->time == TIME_NO ? 0 : ((uint64_t)odeon_bytes(x) + 63) / 64 * 64;
}

static void *convolution_scratch(const conv2d *layer, const odeon_layer_call *call,
                                 const odeon_shape *x)
{
    return (char *)call->scratch + image_bytes(layer, x);
}

static int32_t has_fused(const odeon_conv_family *conv)
{
    return ODEON_HAS(conv, odeon_conv_family, conv2d_fused_scratch) &&
           ODEON_HAS(conv, odeon_conv_family, conv2d_fused) &&
           ODEON_HAS(conv, odeon_conv_family, conv2d_fused_vjp);
}

static uint64_t scratch_bytes(const conv2d *layer, const odeon_layer_plan *plan,
                              const odeon_shape *x, const odeon_shape *weight)
{
    const odeon_conv_family *conv = plan->device->conv;
    return layer->is_fused
               ? conv->conv2d_fused_scratch(plan->device, &layer->geometry, &plan->in, weight)
               : image_bytes(layer, x) +
                     conv->conv2d_scratch(plan->device, &layer->geometry, x, weight);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    conv2d *layer = self;
    int64_t height = 0, width = 0;
    ODEON_TRY(window_outputs(layer->host, "conv2d", &layer->window, &plan->in, &height, &width));
    odeon_shape x = image_shape(layer, &plan->in, plan->time_channel);
    odeon_shape weight = weight_shape(layer, &x);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE |
                  (layer->time != TIME_NO ? ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T : 0);
    layer->is_fused = has_fused(plan->device->conv);
    if (layer->is_fused) {
        plan->flags |= ODEON_LAYER_EPILOGUE_VJP | ODEON_LAYER_PROLOGUE;
        plan->flags |= layer->time == TIME_NO ? ODEON_LAYER_TAKES_TIME_CHANNEL : 0;
    }
    plan->out = (odeon_shape){.ndim = 4,
                              .dtype = plan->in.dtype,
                              .dim = {plan->in.dim[0], layer->filters, height, width}};
    plan->scratch_bytes = scratch_bytes(layer, plan, &x, &weight);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const conv2d *layer = self;
    odeon_shape x = image_shape(layer, in, TIME_NO), weight = weight_shape(layer, &x);
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* ---- by the fused operators ---- */

static const odeon_prologue no_prologue = {.w = NULL};

static const odeon_view *stats_of(const odeon_layer_call *call)
{
    return call->prologue != NULL ? &call->prologue->stats : NULL;
}

static odeon_status forward_fused(const conv2d *layer, const odeon_layer_call *call)
{
    const odeon_prologue *before = call->prologue != NULL ? call->prologue : &no_prologue;
    const char *who = layer->time != TIME_NO ? "conv2d with time" : "concat_time";
    ODEON_TRY(where_time_is(layer, call) != TIME_NO ? time_require(layer->host, who, call)
                                                    : ODEON_OK);
    return ODEON_DO(call->device, conv, conv2d_fused, call->queue, .geometry = layer->geometry,
                    .x = call->in, .w = &call->param[0],
                    .bias = layer->init.bias ? &call->param[1] : NULL, .t = time_of(layer, call),
                    .time_first = where_time_is(layer, call) == TIME_FIRST, .act = call->act,
                    .x_stats = stats_of(call), .x_w = before->w, .x_b = before->b,
                    .x_act = before->act, .y = call->out, .scratch = call->scratch);
}

static odeon_status vjp_fused(const conv2d *layer, const odeon_layer_call *call)
{
    const odeon_tensor *grad = call->grad;
    const odeon_prologue *before = call->prologue != NULL ? call->prologue : &no_prologue;
    int32_t timed = where_time_is(layer, call) != TIME_NO;
    return ODEON_DO(call->device, conv, conv2d_fused_vjp, call->queue, .geometry = layer->geometry,
                    .x = call->in, .w = &call->param[0], .t = time_of(layer, call),
                    .time_first = where_time_is(layer, call) == TIME_FIRST, .act = call->act,
                    .x_stats = stats_of(call), .x_w = before->w, .x_b = before->b,
                    .x_act = before->act, .y = call->out != NULL ? &call->out->view : NULL,
                    .dy = call->d_out, .dx = call->d_in, .dw = grad,
                    .dbias = grad != NULL && layer->init.bias ? &grad[1] : NULL,
                    .d_t = timed ? call->d_t : NULL, .scratch = call->scratch);
}

/* ---- by convolutions of images with a time channel ---- */

/* x = in, or the image with its time channel, made in scratch. */
static odeon_status join(const conv2d *layer, const odeon_layer_call *call, odeon_view *x)
{
    if (layer->time == TIME_NO) {
        *x = *call->in;
        return ODEON_OK;
    }
    odeon_tensor made =
        odeon_tensor_at(call->scratch, image_shape(layer, &call->in->shape, TIME_NO));
    odeon_view from = shape_channels_view(call->in);
    odeon_tensor to = shape_channels_tensor(&made);
    *x = made.view;
    return time_join(layer->host, "conv2d with time", call, layer->time, &from, &to);
}

/* in [B,C,H,W], weight [K,C,R,S], bias [K] -> out [B,K,P,Q]; bias and the next layer's function are
 * fused. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const conv2d *layer = self;
    odeon_view x;
    if (layer->is_fused) {
        return forward_fused(layer, call);
    }
    ODEON_TRY(join(layer, call, &x));
    return ODEON_DO(call->device, conv, conv2d, call->queue, .geometry = layer->geometry, .x = &x,
                    .w = &call->param[0], .bias = layer->init.bias ? &call->param[1] : NULL,
                    .act = call->act, .y = call->out,
                    .scratch = convolution_scratch(layer, call, &x.shape));
}

/* The gradient of the image, which with time is made in scratch and split into d_in and d_t. */
static odeon_status vjp_of_input(const conv2d *layer, const odeon_layer_call *call)
{
    odeon_shape image = image_shape(layer, &call->in->shape, TIME_NO);
    odeon_tensor dx = layer->time == TIME_NO ? *call->d_in : odeon_tensor_at(call->scratch, image);
    ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_x, call->queue, .geometry = layer->geometry,
                       .w = &call->param[0], .dy = call->d_out, .dx = &dx,
                       .scratch = convolution_scratch(layer, call, &image)));
    odeon_view flat = shape_channels_view(&dx.view);
    return layer->time == TIME_NO ? ODEON_OK : time_part(call, layer->time, &flat);
}

/* The image with time is built again rather than kept. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const conv2d *layer = self;
    odeon_view x;
    if (layer->is_fused) {
        return vjp_fused(layer, call);
    }
    if (call->d_in != NULL || (call->d_t != NULL && layer->time != TIME_NO)) {
        ODEON_TRY(vjp_of_input(layer, call));
    }
    if (call->grad == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(join(layer, call, &x));
    ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_w, call->queue, .geometry = layer->geometry,
                       .x = &x, .dy = call->d_out, .dw = &call->grad[0],
                       .scratch = convolution_scratch(layer, call, &x.shape)));
    if (!layer->init.bias) {
        return ODEON_OK;
    }
    odeon_view channels = shape_channels_view(call->d_out);
    return ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                    .bias = &call->grad[1]);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "conv2d", &ops, "convolution of images with learned filters", NULL,
                     "conv|convolution|convolution2d|convolutional", conv2d, options, init, NULL);
