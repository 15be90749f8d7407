/* globalavgpool: the mean of every channel: x [B,C,...] -> y [B,C]; as
 * torch.nn.AdaptiveAvgPool2d(1) followed by Flatten. */
#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct globalavgpool {
    const odeon_host *host;
} globalavgpool;

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)config;
    *out = NULL;
    globalavgpool *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "globalavgpool: no memory for %zu bytes",
                          sizeof *layer);
    }
    *layer = (globalavgpool){.host = host};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    globalavgpool *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* The window's width is int32, hence the limit. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const globalavgpool *layer = self;
    if (in->ndim < 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "globalavgpool: the input is %s; it takes channels of several numbers "
                          "[B,C,...]",
                          shape_print(in).text);
    }
    if (shape_channels(in).dim[2] > INT32_MAX) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "globalavgpool: the channels of %s have more than %d numbers",
                          shape_print(in).text, (int)INT32_MAX);
    }
    out->flags = ODEON_LAYER_LINEAR;
    out->out = (odeon_tensor){.dim = {in->dim[0], in->dim[1]}, .ndim = 2, .dtype = in->dtype};
    return ODEON_OK;
}

/* Views a channel as an image of one row, and its mean as one pixel, so that pool2d with one window
 * computes it. */
static odeon_tensor as_rows(const odeon_tensor *x)
{
    odeon_tensor flat = shape_channels(x);
    return (odeon_tensor){.data = x->data,
                          .dim = {flat.dim[0], flat.dim[1], 1, flat.dim[2]},
                          .ndim = 4,
                          .dtype = x->dtype};
}

static odeon_pool2d window_over(const odeon_tensor *rows)
{
    return (odeon_pool2d){.kind = ODEON_POOL_AVG,
                          .kernel_h = 1,
                          .kernel_w = (int32_t)rows->dim[3],
                          .stride_h = 1,
                          .stride_w = 1};
}

/* in [B,C,...] -> out [B,C]. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)self;
    (void)buffers;
    odeon_tensor x = as_rows(in), y = as_rows(out);
    odeon_pool2d window = window_over(&x);
    return context->device->ops->pool2d(context->queue, &window, &x, &y);
}

/* d_out [B,C] -> d_in [B,C,...]. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)self;
    (void)buffers;
    (void)in;
    (void)out;
    (void)d_t;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    odeon_tensor dy = as_rows(d_out), dx = as_rows(d_in);
    odeon_pool2d window = window_over(&dx);
    return context->device->ops->pool2d_vjp(context->queue, &window, NULL, &dy, &dx);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "globalavgpool",
    .aliases = "adaptiveavgpool|adaptiveavgpool2d|gap|globalaveragepooling|globalaveragepooling2d|"
               "globalpool",
    .summary = "mean of every channel",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/globalavgpool");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "globalavgpool",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
