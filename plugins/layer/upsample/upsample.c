/* upsample: repeats every pixel: x [B,C,H,W] -> y [B,C,factor H,factor W]; as torch.nn.Upsample
 * with mode nearest. No parameters. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct upsample {
    ODEON_INSTANCE;
    int64_t factor;
} upsample;

static const odeon_option *const options[] = {
    ODEON_OPTION(upsample, factor, I64, .aliases = "scalefactor|size", .default_text = "2",
                 .min_text = "1", .max_text = "1024", .help = "copies of a pixel down and across"),
    NULL};

/* Scratch holds the images after the copies across. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const upsample *layer = self;
    if (plan->in.ndim != 4) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "upsample: the input is %s; it takes images [B,C,H,W]",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->out.dim[3] *= layer->factor;
    plan->scratch_bytes = (uint64_t)odeon_bytes(&plan->out);
    plan->out.dim[2] *= layer->factor;
    return ODEON_OK;
}

/* in [B,C,H,W] -> scratch [B,C,H,factor W] -> out. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const upsample *layer = self;
    odeon_shape wide = call->in->shape;
    wide.dim[3] *= layer->factor;
    const odeon_tensor across = odeon_tensor_at(call->scratch, wide);
    int64_t rows = wide.dim[0] * wide.dim[1] * wide.dim[2], cols = wide.dim[3];
    for (int64_t i = 0; i < layer->factor; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->in, .y = &across,
                           .rows = odeon_count(&call->in->shape), .cols = 1, .x_pitch = 1,
                           .y_pitch = layer->factor, .y_at = i));
    }
    for (int64_t i = 0; i < layer->factor; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &across.view,
                           .y = call->out, .rows = rows, .cols = cols, .x_pitch = cols,
                           .y_pitch = layer->factor * cols, .y_at = i * cols));
    }
    return ODEON_OK;
}

/* d_in is the sum over a pixel's copies: their mean times their number. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const upsample *layer = self;
    int32_t k = (int32_t)layer->factor;
    odeon_pool_geometry window = {
        .kind = ODEON_POOL_AVG, .kernel_h = k, .kernel_w = k, .stride_h = k, .stride_w = k};
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(ODEON_DO(call->device, pool, pool2d, call->queue, .geometry = window,
                       .x = call->d_out, .y = call->d_in));
    return ODEON_DO(call->device, pointwise, power, call->queue, .x = &call->d_in->view,
                    .y = call->d_in, .scale = (double)k * (double)k, .exponent = 1.0);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "upsample", &ops, "enlarges images by repeating every pixel", NULL,
                     "upsampling|nearest|resize", upsample, options, NULL, NULL);
