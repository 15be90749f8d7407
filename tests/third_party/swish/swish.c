/* swish.c: y = x s with s = 1 / (1 + exp(-beta x)), element by element, by operators of the device:
 * three launches forward, six backward. One of its kernels does either in one. */
#include "instance.h"

static const odeon_option beta = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "beta",
    .default_text = "1",
    .help = "how steeply it turns at 0",
};
static const odeon_option *const options[] = {&beta, NULL};

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_NEEDS_IN;
    out->out = *in;
    out->scratch_bytes = (uint64_t)(2 * odeon_count(in) * odeon_dtype_bytes(in->dtype));
    return ODEON_OK;
}

/* One of two tensors like x in the scratch. */
static odeon_tensor scratch(const odeon_buffers *buffers, const odeon_tensor *x, int64_t index)
{
    odeon_tensor out = *x;
    out.data = (char *)buffers->scratch + index * odeon_count(x) * odeon_dtype_bytes(x->dtype);
    return out;
}

static odeon_status logistic(const swish *layer, const odeon_context *context,
                             const odeon_tensor *x, const odeon_tensor *s)
{
    const odeon_device_ops *ops = context->device->ops;
    ODEON_TRY(ops->cast(context->queue, x, layer->beta, 0.0, s));
    return ops->unary(context->queue, ODEON_UNARY_SIGMOID, s, s);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const odeon_tensor s = scratch(buffers, in, 0);
    ODEON_TRY(logistic(self, context, in, &s));
    return context->device->ops->binary(context->queue, ODEON_BINARY_MUL, in, &s, out);
}

/* dx = dy s + beta dy x s (1 - s) */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const swish *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    (void)out;
    (void)d_t;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    const odeon_tensor s = scratch(buffers, in, 0), through = scratch(buffers, in, 1);
    const odeon_tensor *terms[] = {&through};
    const odeon_scalar weight = odeon_imm(layer->beta);
    ODEON_TRY(logistic(layer, context, in, &s));
    ODEON_TRY(ops->binary(context->queue, ODEON_BINARY_MUL, d_out, &s, d_in));
    ODEON_TRY(ops->binary(context->queue, ODEON_BINARY_MUL, d_out, in, &through));
    ODEON_TRY(ops->unary_vjp(context->queue, ODEON_UNARY_SIGMOID, &s, &through, &through));
    return ops->lincomb(context->queue, d_in, d_in, 1, terms, &weight, NULL);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "swish",
    .summary = "x times the logistic function of beta x",
    .version = "1.0",
    .license = "MIT",
    .source = "Ramachandran, Zoph, Le, Searching for activation functions, 2017, section 2",
    .options = options,
    .ops = &ops,
    .create = swish_create,
    .destroy = swish_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/swish");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "swish",
    .version = "1.0",
    .vendor = "somebody else",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
