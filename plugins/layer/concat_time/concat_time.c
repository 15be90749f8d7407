/* concat_time: appends a channel that holds t: x [B,C,...] -> y [B,C+1,...], first or last. Only
 * usable inside an ODE block, where there is a time. */
#include "../common/shape.h"
#include "../common/time_channel.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct concat_time {
    const odeon_host *host;
    int32_t at; /* TIME_FIRST or TIME_LAST */
} concat_time;

static const odeon_option at = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "at",
    .default_text = "last",
    .choices = "first|last",
    .help = "where the new channel is put",
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
    *layer =
        (concat_time){.host = host, .at = TIME_FIRST + (int32_t)host->option_i64(config, "at")};
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
    out->flags = ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T | ODEON_LAYER_LINEAR;
    out->out = *in;
    out->out.dim[1] += 1;
    return ODEON_OK;
}

/* in [B,C,...] -> out [B,C+1,...]. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const concat_time *layer = self;
    odeon_tensor x = shape_channels(in), y = shape_channels(out);
    return time_join(layer->host, "concat_time", context, layer->at, &x, &y);
}

/* d_out [B,C+1,...] -> d_in [B,C,...]; adds the channel's sum to d_t. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)out;
    const concat_time *layer = self;
    odeon_tensor dy = shape_channels(d_out);
    return time_part(context, layer->at, &dy, d_in, d_t);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "concat_time",
    .aliases = "cattime|timeconcat|appendtime",
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
    .layouts = ODEON_LAYOUTS,
};
