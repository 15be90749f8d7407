#include "pool.h"

#include "window.h"

/* geometry repeats window in the form that the device takes. */
typedef struct pool {
    const odeon_host *host;
    const char *id;
    window window;
    odeon_pool2d geometry;
} pool;

static const odeon_option kernel = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "kernel",
    .aliases = "kernelsize|poolsize|size",
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "edge of the window, or height and width",
};
static const odeon_option stride = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "stride",
    .aliases = "strides",
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "distance between two windows, or down and across; left out: the kernel",
};
static const odeon_option padding = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "padding",
    .aliases = "pad|pads",
    .default_text = "0",
    .min_text = "0",
    .max_text = "32767",
    .unit = "pixels",
    .help = "added on every side, at most half the kernel",
};
const odeon_option *const pool_options[] = {&kernel, &stride, &padding, NULL};

/* Padding beyond half the kernel would give windows of padding only, whose maximum is undefined. */
odeon_status pool_create(const odeon_host *host, const odeon_config *config, const char *id,
                         int32_t kind, void **out)
{
    *out = NULL;
    window w;
    ODEON_TRY(window_read(host, config, id, &w));
    if (2 * w.padding_h > w.kernel_h || 2 * w.padding_w > w.kernel_w) {
        return odeon_fail(
            host, ODEON_ERR_CONFIG,
            "%s: padding %d %d is more than half the kernel %d %d: windows would hold "
            "nothing but padding",
            id, (int)w.padding_h, (int)w.padding_w, (int)w.kernel_h, (int)w.kernel_w);
    }
    pool *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %zu bytes", id, sizeof *layer);
    }
    *layer = (pool){
        .host = host,
        .id = id,
        .window = w,
        .geometry = {.kind = kind,
                     .kernel_h = w.kernel_h,
                     .kernel_w = w.kernel_w,
                     .stride_h = w.stride_h,
                     .stride_w = w.stride_w,
                     .padding_h = w.padding_h,
                     .padding_w = w.padding_w},
    };
    *out = layer;
    return ODEON_OK;
}

void pool_destroy(void *self)
{
    pool *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const pool *layer = self;
    int64_t height = 0, width = 0;
    ODEON_TRY(window_outputs(layer->host, layer->id, &layer->window, in, &height, &width));
    /* the vjp of MAX finds the largest element again, so it needs the input rather than indices */
    out->flags = layer->geometry.kind == ODEON_POOL_MAX ? ODEON_LAYER_NEEDS_IN : ODEON_LAYER_LINEAR;
    out->out = (odeon_tensor){
        .dim = {in->dim[0], in->dim[1], height, width}, .ndim = 4, .dtype = in->dtype};
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const pool *layer = self;
    return context->device->ops->pool2d(context->queue, &layer->geometry, in, out);
}

/* in [B,C,H,W] (MAX), d_out [B,C,P,Q] -> d_in [B,C,H,W]. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)out;
    (void)d_t;
    const pool *layer = self;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    return context->device->ops->pool2d_vjp(context->queue, &layer->geometry, in, d_out, d_in);
}

const odeon_layer_ops pool_ops = {
    .struct_size = sizeof pool_ops, .plan = plan, .forward = forward, .vjp = vjp};
