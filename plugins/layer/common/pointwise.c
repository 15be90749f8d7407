#include "pointwise.h"

typedef struct pointwise {
    const odeon_host *host;
    int32_t act;
} pointwise;

odeon_status pointwise_create(const odeon_host *host, int32_t act, void **out)
{
    *out = NULL;
    pointwise *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for a layer of %zu bytes",
                          sizeof *layer);
    }
    *layer = (pointwise){.host = host, .act = act};
    *out = layer;
    return ODEON_OK;
}

void pointwise_destroy(void *self)
{
    pointwise *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* POINTWISE lets the host fuse the function into the layer before it. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const pointwise *layer = self;
    out->flags = ODEON_LAYER_POINTWISE | ODEON_LAYER_NEEDS_OUT;
    out->act = layer->act;
    out->out = *in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    const pointwise *layer = self;
    return context->device->ops->unary(context->queue, layer->act, in, out);
}

/* d_out, out -> d_in = d_out f'(out). */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)d_t;
    const pointwise *layer = self;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    return context->device->ops->unary_vjp(context->queue, layer->act, out, d_out, d_in);
}

const odeon_layer_ops pointwise_ops = {
    .struct_size = sizeof(odeon_layer_ops), .plan = plan, .forward = forward, .vjp = vjp};
