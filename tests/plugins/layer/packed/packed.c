/* packed: y = x W^T, x[B,N], W[N,N], as dense without a bias; but it works from a copy of W that
 * prepare makes, and gathers the gradient there until finish: the two slots around a change of
 * parameters, as a layer with packed weights would use them. For tests. */
#include "odeon/plugin.h"

#include "odeon/layer.h"

static odeon_tensor square(const odeon_tensor *in, void *data)
{
    return (odeon_tensor){
        .data = data, .dim = {in->dim[1], in->dim[1]}, .ndim = 2, .dtype = in->dtype};
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    odeon_tensor w = square(in, NULL);
    out->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR;
    out->out = *in;
    out->derived_bytes = 2u * (uint64_t)(odeon_count(&w) * odeon_dtype_bytes(in->dtype));
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    (void)self;
    if (index > 0) {
        out->struct_size = 0;
        return ODEON_OK;
    }
    out->name = "weight";
    out->role = ODEON_PARAM_WEIGHT;
    out->shape = square(in, NULL);
    out->init = ODEON_INIT_UNIFORM;
    out->init_a = -0.5;
    out->init_b = 0.5;
    return ODEON_OK;
}

/* The copy of W, and the gradient gathered so far. */
static odeon_tensor part(const odeon_buffers *buffers, int index)
{
    odeon_tensor x = buffers->param[0];
    x.data = (char *)buffers->derived + index * odeon_count(&x) * odeon_dtype_bytes(x.dtype);
    return x;
}

static odeon_status prepare(void *self, const odeon_context *context, const odeon_buffers *buffers)
{
    (void)self;
    odeon_tensor copy = part(buffers, 0), gathered = part(buffers, 1);
    ODEON_TRY(context->device->ops->copy(context->queue, &buffers->param[0], &copy));
    return context->device->ops->fill(context->queue, &gathered, odeon_imm(0.0), NULL);
}

static odeon_status finish(void *self, const odeon_context *context, const odeon_buffers *buffers)
{
    (void)self;
    odeon_tensor gathered = part(buffers, 1);
    const odeon_tensor *x[1] = {&gathered}, *grad = &buffers->grad[0];
    odeon_scalar one[1] = {odeon_imm(1.0)};
    const odeon_device_ops *ops = context->device->ops;
    ODEON_TRY(ops->lincomb(context->queue, grad, grad, 1, x, one, NULL));
    return ops->fill(context->queue, &gathered, odeon_imm(0.0), NULL);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)self;
    odeon_tensor w = part(buffers, 0);
    return context->device->ops->gemm(context->queue, 0, 1, 1.0, in, &w, 0.0, out, NULL);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)self;
    (void)out;
    (void)d_t;
    const odeon_device_ops *ops = context->device->ops;
    odeon_tensor w = part(buffers, 0), gathered = part(buffers, 1);
    if (d_in != NULL) {
        ODEON_TRY(ops->gemm(context->queue, 0, 0, 1.0, d_out, &w, 0.0, d_in, NULL));
    }
    return ops->gemm(context->queue, 1, 0, 1.0, d_out, in, 1.0, &gathered, NULL);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .plan = plan,
                                    .param = param,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .prepare = prepare,
                                    .finish = finish};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "packed",
    .summary = "for tests: a product that works from a copy of its weights",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/packed");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "packed",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
