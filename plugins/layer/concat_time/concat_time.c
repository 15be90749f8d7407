/* concat_time: gives every sample a channel that is t everywhere: x[B,C,...], y[B,C+1,...], before
 * the other channels or behind them. Stands inside an ODE block, where there is a time. */
#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct concat_time {
    const odeon_host *host;
    int32_t at; /* AT_* */
} concat_time;

enum { AT_FIRST = 0, AT_LAST = 1 };

static const odeon_option at = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "at",
    .default_text = "last",
    .choices = "first|last",
    .help = "where the new channel stands",
};
static const odeon_option *const options[] = {&at, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    concat_time *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "concat_time: no memory for %zu bytes",
                          sizeof *layer);
    }
    *layer = (concat_time){.host = host, .at = (int32_t)host->option_i64(config, "at")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    concat_time *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const concat_time *layer = self;
    if (in->ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "concat_time: the input is %s; it takes channels [B,C,...]",
                          shape_print(in).text);
    }
    out->flags = ODEON_LAYER_USES_T | ODEON_LAYER_LINEAR;
    out->out = *in;
    out->out.dim[1] += 1;
    return ODEON_OK;
}

/* Where things are, in elements: a sample of y is the samples' x and one channel of t. */
typedef struct places {
    int64_t rows, x_cols, t_cols, pitch; /* of x, of t and of y */
    int64_t x_at, t_at;                  /* within a row of y */
} places;

static places places_of(const concat_time *layer, const odeon_tensor *y)
{
    odeon_tensor flat = shape_channels(y);
    places p = {.rows = flat.dim[0],
                .x_cols = (flat.dim[1] - 1) * flat.dim[2],
                .t_cols = flat.dim[2],
                .pitch = flat.dim[1] * flat.dim[2]};
    p.x_at = layer->at == AT_FIRST ? p.t_cols : 0;
    p.t_at = layer->at == AT_FIRST ? 0 : p.x_cols;
    return p;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const concat_time *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    if (context->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "concat_time stands outside of an ODE block, where there is no time; "
                          "move it into one");
    }
    places p = places_of(layer, out);
    ODEON_TRY(ops->copy2d(context->queue, in, out, p.rows, p.x_cols, p.x_cols, 0, p.pitch, p.x_at));
    return ops->rows_fill(context->queue, out, p.rows, p.t_cols, p.pitch, p.t_at, context->t);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)out;
    const concat_time *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    places p = places_of(layer, d_out);
    if (d_in != NULL) {
        ODEON_TRY(ops->copy2d(context->queue, d_out, d_in, p.rows, p.x_cols, p.pitch, p.x_at,
                              p.x_cols, 0));
    }
    if (d_t != NULL) {
        ODEON_TRY(ops->rows_sum(context->queue, d_out, p.rows, p.t_cols, p.pitch, p.t_at, d_t));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .id = "concat_time",
    .summary = "adds a channel that holds the time t",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/concat_time");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "concat_time",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
};
