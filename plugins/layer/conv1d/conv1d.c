/* conv1d: cross-correlation of sequences with filters, zero padded: x [B,C,L], weight [K,C,R],
 * bias [K] -> y [B,K,P] with P = (L + 2 padding - R) / stride + 1, rounded down; as
 * torch.nn.Conv1d. It is conv2d on images of one row. */
#include "../common/init.h"
#include "../common/shape.h"
#include "odeon/device_conv.h"
#include "odeon/device_product.h"
#include "odeon/plugin.h"

typedef struct conv1d {
    ODEON_INSTANCE;
    int64_t filters, kernel, stride, padding;
    init_choice init;
} conv1d;

static const odeon_option *const options[] = {
    ODEON_OPTION(conv1d, filters, SIZE, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "outchannels|channels|nfilters|features", .help = "output channels"),
    ODEON_OPTION(conv1d, kernel, I64, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "kernelsize|filtersize|ksize", .min_text = "1", .max_text = "65535",
                 .help = "length of the filters"),
    ODEON_OPTION(conv1d, stride, I64, .aliases = "strides", .default_text = "1", .min_text = "1",
                 .max_text = "65535", .help = "distance between two positions of a filter"),
    ODEON_OPTION(conv1d, padding, I64, .aliases = "pad|pads", .default_text = "0", .min_text = "0",
                 .max_text = "65535", .help = "zeros added at both ends"),
    INIT_OPTIONS(conv1d),
    NULL};

/* [A,C,L] as [A,C,1,L]. */
static odeon_shape row_of(const odeon_shape *x)
{
    return (odeon_shape){.ndim = 4, .dtype = x->dtype, .dim = {x->dim[0], x->dim[1], 1, x->dim[2]}};
}

static odeon_conv_geometry geometry(const conv1d *layer)
{
    return (odeon_conv_geometry){
        .stride_h = 1, .stride_w = (int32_t)layer->stride, .padding_w = (int32_t)layer->padding};
}

static odeon_shape weight_shape(const conv1d *layer, const odeon_shape *in)
{
    return (odeon_shape){
        .ndim = 3, .dtype = in->dtype, .dim = {layer->filters, in->dim[1], layer->kernel}};
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const conv1d *layer = self;
    if (plan->in.ndim != 3 || plan->in.dim[2] + 2 * layer->padding < layer->kernel) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "conv1d: the input is %s; it takes [B,C,L] with an L of %lld at least",
                          shape_print(&plan->in).text,
                          (long long)(layer->kernel - 2 * layer->padding));
    }
    odeon_conv_geometry g = geometry(layer);
    odeon_shape weight = weight_shape(layer, &plan->in);
    odeon_shape x = row_of(&plan->in), w = row_of(&weight);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR | ODEON_LAYER_EPILOGUE;
    plan->out = plan->in;
    plan->out.dim[1] = layer->filters;
    plan->out.dim[2] = (plan->in.dim[2] + 2 * layer->padding - layer->kernel) / layer->stride + 1;
    plan->scratch_bytes = plan->device->conv->conv2d_scratch(plan->device, &g, &x, &w);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const conv1d *layer = self;
    odeon_shape weight = weight_shape(layer, in);
    init_param(&layer->init, &weight, index, out);
    return ODEON_OK;
}

/* in [B,C,L] -> out [B,K,P]; bias and the next layer's function are fused. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const conv1d *layer = self;
    odeon_view x = shape_view(call->in, row_of(&call->in->shape));
    odeon_view w = shape_view(&call->param[0], row_of(&call->param[0].shape));
    odeon_tensor y = shape_tensor(call->out, row_of(&call->out->view.shape));
    return ODEON_DO(call->device, conv, conv2d, call->queue, .geometry = geometry(layer), .x = &x,
                    .w = &w, .bias = layer->init.bias ? &call->param[1] : NULL, .act = call->act,
                    .y = &y, .scratch = call->scratch);
}

static odeon_status vjp_of_parameters(const conv1d *layer, const odeon_layer_call *call,
                                      const odeon_view *dy)
{
    odeon_view x = shape_view(call->in, row_of(&call->in->shape));
    odeon_tensor dw = shape_tensor(&call->grad[0], row_of(&call->grad[0].view.shape));
    ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_w, call->queue, .geometry = geometry(layer),
                       .x = &x, .dy = dy, .dw = &dw, .scratch = call->scratch));
    return layer->init.bias ? ODEON_DO(call->device, product, channel_sum, call->queue,
                                       .x = call->d_out, .bias = &call->grad[1])
                            : ODEON_OK;
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const conv1d *layer = self;
    odeon_view dy = shape_view(call->d_out, row_of(&call->d_out->shape));
    if (call->d_in != NULL) {
        odeon_view w = shape_view(&call->param[0], row_of(&call->param[0].shape));
        odeon_tensor dx = shape_tensor(call->d_in, row_of(&call->d_in->view.shape));
        ODEON_TRY(ODEON_DO(call->device, conv, conv2d_vjp_x, call->queue,
                           .geometry = geometry(layer), .w = &w, .dy = &dy, .dx = &dx,
                           .scratch = call->scratch));
    }
    return call->grad != NULL ? vjp_of_parameters(layer, call, &dy) : ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "conv1d", &ops, "convolution of sequences with learned filters", NULL,
                     "convolution1d|temporalconvolution", conv1d, options, NULL, NULL);
