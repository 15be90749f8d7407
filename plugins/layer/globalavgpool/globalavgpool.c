/* globalavgpool: the mean of every channel: x [B,C,...] -> y [B,C]; as
 * torch.nn.AdaptiveAvgPool2d(1) followed by Flatten. */
#include "../common/shape.h"
#include "odeon/device_pool.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct globalavgpool {
    ODEON_INSTANCE;
} globalavgpool;

/* The window's width is int32, hence the limit. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const globalavgpool *layer = self;
    if (plan->in.ndim < 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "globalavgpool: the input is %s; it takes channels of several numbers "
                          "[B,C,...]",
                          shape_print(&plan->in).text);
    }
    if (shape_channels(&plan->in).dim[2] > INT32_MAX) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "globalavgpool: the channels of %s have more than %d numbers",
                          shape_print(&plan->in).text, (int)INT32_MAX);
    }
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = (odeon_shape){
        .ndim = 2, .dtype = plan->in.dtype, .dim = {plan->in.dim[0], plan->in.dim[1]}};
    return ODEON_OK;
}

/* A channel as an image of one row, and its mean as one pixel, so that pool2d with one window
 * computes it. */
static odeon_shape as_rows(const odeon_shape *x)
{
    odeon_shape flat = shape_channels(x);
    return (odeon_shape){
        .ndim = 4, .dtype = x->dtype, .dim = {flat.dim[0], flat.dim[1], 1, flat.dim[2]}};
}

static odeon_pool_geometry window_over(const odeon_shape *rows)
{
    return (odeon_pool_geometry){.kind = ODEON_POOL_AVG,
                                 .kernel_h = 1,
                                 .kernel_w = (int32_t)rows->dim[3],
                                 .stride_h = 1,
                                 .stride_w = 1};
}

/* in [B,C,...] -> out [B,C]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    odeon_view x = shape_view(call->in, as_rows(&call->in->shape));
    odeon_tensor y = shape_tensor(call->out, as_rows(&call->out->view.shape));
    return ODEON_DO(call->device, pool, pool2d, call->queue, .geometry = window_over(&x.shape),
                    .x = &x, .y = &y);
}

/* d_out [B,C] -> d_in [B,C,...]. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    odeon_view dy = shape_view(call->d_out, as_rows(&call->d_out->shape));
    odeon_tensor dx = shape_tensor(call->d_in, as_rows(&call->d_in->view.shape));
    return ODEON_DO(call->device, pool, pool2d_vjp, call->queue,
                    .geometry = window_over(&dx.view.shape), .dy = &dy, .dx = &dx);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(
    LAYER, "globalavgpool", &ops, "mean of every channel", NULL,
    "adaptiveavgpool|adaptiveavgpool2d|gap|globalaveragepooling|globalaveragepooling2d|"
    "globalpool",
    globalavgpool, NULL, NULL, NULL);
