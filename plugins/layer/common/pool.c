#include "pool.h"

#include "odeon/device_pool.h"

const odeon_option *const pool_options[] = {
    ODEON_OPTION_AS(pool, window.kernel, I64_LIST, "kernel", .flags = ODEON_OPTION_REQUIRED,
                    .aliases = "kernelsize|poolsize|size", .min_text = "1", .max_text = "65535",
                    .unit = "pixels", .help = "edge of the window, or height and width"),
    ODEON_OPTION_AS(pool, window.stride, I64_LIST, "stride", .flags = ODEON_OPTION_OPTIONAL,
                    .aliases = "strides", .min_text = "1", .max_text = "65535", .unit = "pixels",
                    .help =
                        "distance between two windows, or down and across; left out: the kernel"),
    ODEON_OPTION_AS(pool, window.padding, I64_LIST, "padding", .aliases = "pad|pads",
                    .default_text = "0", .min_text = "0", .max_text = "32767", .unit = "pixels",
                    .help = "added on every side, at most half the kernel"),
    NULL};

/* Padding beyond half the kernel would give windows of padding only, whose maximum is undefined. */
odeon_status pool_init(pool *layer, const char *id, int32_t kind)
{
    window *w = &layer->window;
    ODEON_TRY(window_init(layer->host, id, w));
    if (2 * w->padding_h > w->kernel_h || 2 * w->padding_w > w->kernel_w) {
        return odeon_fail(
            layer->host, ODEON_ERR_CONFIG,
            "%s: padding %d %d is more than half the kernel %d %d: windows would hold "
            "nothing but padding",
            id, (int)w->padding_h, (int)w->padding_w, (int)w->kernel_h, (int)w->kernel_w);
    }
    layer->id = id;
    layer->geometry = (odeon_pool_geometry){.kind = kind,
                                            .kernel_h = w->kernel_h,
                                            .kernel_w = w->kernel_w,
                                            .stride_h = w->stride_h,
                                            .stride_w = w->stride_w,
                                            .padding_h = w->padding_h,
                                            .padding_w = w->padding_w};
    return ODEON_OK;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const pool *layer = self;
    int64_t height = 0, width = 0;
    ODEON_TRY(window_outputs(layer->host, layer->id, &layer->window, &plan->in, &height, &width));
    /* the vjp of MAX finds the largest element again, so it needs the input rather than indices */
    plan->flags =
        layer->geometry.kind == ODEON_POOL_MAX ? ODEON_LAYER_NEEDS_IN : ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->out.dim[2] = height;
    plan->out.dim[3] = width;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const pool *layer = self;
    return ODEON_DO(call->device, pool, pool2d, call->queue, .geometry = layer->geometry,
                    .x = call->in, .y = call->out);
}

/* in [B,C,H,W] (MAX), d_out [B,C,P,Q] -> d_in [B,C,H,W]. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const pool *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    return ODEON_DO(call->device, pool, pool2d_vjp, call->queue, .geometry = layer->geometry,
                    .x = call->in, .dy = call->d_out, .dx = call->d_in);
}

const odeon_layer_ops pool_ops = {
    .struct_size = sizeof pool_ops, .plan = plan, .forward = forward, .vjp = vjp};
