/* avgpool: the mean over a window that slides over every channel, padded zeros counted in: x[B,C,
 * H,W], y[B,C,P,Q]; P = (H + 2 padding - kernel) / stride + 1 rounded down, Q likewise; as
 * torch.nn.AvgPool2d. */
#include "../common/window.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct avgpool {
    const odeon_host *host;
    window window;
    odeon_pool2d geometry;
} avgpool;

static const odeon_option kernel = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "kernel",
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
    .min_text = "1",
    .max_text = "65535",
    .unit = "pixels",
    .help = "distance between two windows, or down and across; left out: the kernel",
};
static const odeon_option padding = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64_LIST,
    .name = "padding",
    .default_text = "0",
    .min_text = "0",
    .max_text = "32767",
    .unit = "pixels",
    .help = "zeros added on every side, at most half the kernel",
};
static const odeon_option *const options[] = {&kernel, &stride, &padding, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    window w;
    ODEON_TRY(window_read(host, config, "avgpool", &w));
    if (2 * w.padding_h > w.kernel_h || 2 * w.padding_w > w.kernel_w) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "avgpool: padding %d %d is more than half the kernel %d %d: windows "
                          "would hold nothing but padding",
                          (int)w.padding_h, (int)w.padding_w, (int)w.kernel_h, (int)w.kernel_w);
    }
    avgpool *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "avgpool: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (avgpool){
        .host = host,
        .window = w,
        .geometry = {.kind = ODEON_POOL_AVG,
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

static void destroy(void *self)
{
    avgpool *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const avgpool *layer = self;
    int64_t height = 0, width = 0;
    ODEON_TRY(window_outputs(layer->host, "avgpool", &layer->window, in, &height, &width));
    out->flags = ODEON_LAYER_LINEAR;
    out->out = (odeon_tensor){
        .dim = {in->dim[0], in->dim[1], height, width}, .ndim = 4, .dtype = in->dtype};
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const avgpool *layer = self;
    return context->device->ops->pool2d(context->queue, &layer->geometry, in, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)out;
    (void)d_t;
    const avgpool *layer = self;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    return context->device->ops->pool2d_vjp(context->queue, &layer->geometry, in, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .id = "avgpool",
    .summary = "mean over windows of every channel",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/avgpool");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "avgpool",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
};
