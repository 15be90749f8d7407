/* dropout: in training y = x / (1 - p) with probability 1 - p, else 0, element by element; in
 * evaluation does nothing. As torch.nn.Dropout, except for the random numbers: they are indexed by
 * sample and element and keyed by layer, epoch and batch. So the mask does not depend on the number
 * of workers, and inside an ODE block it is constant during a whole solve, forward and backward,
 * which makes the field a function of y and t. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct dropout {
    const odeon_host *host;
    double p;
} dropout;

static const odeon_option p = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MAX,
    .name = "p",
    .aliases = "rate|prob|probability",
    .default_text = "0.5",
    .min_text = "0",
    .max_text = "1",
    .help = "probability that an element becomes 0",
};
static const odeon_option *const options[] = {&p, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    dropout *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "dropout: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (dropout){.host = host, .p = host->option_f64(config, "p")};
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    dropout *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* Linear, since the mask does not depend on the input. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_LINEAR | ODEON_LAYER_TRAIN_ONLY | ODEON_LAYER_RANDOM;
    out->out = *in;
    return ODEON_OK;
}

/* Multiplies x by the mask; forward and vjp are the same. */
static odeon_status apply(const dropout *layer, const odeon_context *context, const odeon_tensor *x,
                          const odeon_tensor *y)
{
    odeon_tensor sample = *x;
    sample.dim[0] = 1;
    int64_t first = context->first_sample * odeon_count(&sample);
    return context->device->ops->dropout(context->queue, context->rng_key, first, layer->p, x, y);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    return apply(self, context, in, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)out;
    (void)d_t;
    return d_in == NULL ? ODEON_OK : apply(self, context, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "dropout",
    .aliases = "dropout1d|dropout2d",
    .summary = "sets elements to 0 by chance, in training alone",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/dropout");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "dropout",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
