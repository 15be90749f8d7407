#include "crop.h"

#include <stdbool.h>

#include "shape.h"

typedef struct crop {
    const odeon_host *host;
    crop_choice choice;
} crop;

odeon_status crop_create(const odeon_host *host, const crop_choice *choice, void **out)
{
    *out = NULL;
    crop *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %zu bytes", choice->id,
                          sizeof *layer);
    }
    *layer = (crop){.host = host, .choice = *choice};
    *out = layer;
    return ODEON_OK;
}

void crop_destroy(void *self)
{
    crop *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* Fixed windows are linear; random ones depend on the sample but not on its values, so they are
 * linear too. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    const crop *layer = self;
    const crop_choice *c = &layer->choice;
    if (in->ndim != 4) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "%s: the input is %s; it takes images [B,C,H,W]", c->id,
                          shape_print(in).text);
    }
    int64_t room = 2 * (int64_t)c->geometry.padding;
    out->out = *in;
    out->out.dim[2] = c->height > 0 ? c->height : in->dim[2];
    out->out.dim[3] = c->width > 0 ? c->width : in->dim[3];
    if (out->out.dim[2] > in->dim[2] + room || out->out.dim[3] > in->dim[3] + room) {
        return odeon_fail(
            layer->host, ODEON_ERR_CONFIG,
            "%s: %lld x %lld does not fit into images of %lld x %lld with padding %d; "
            "make size smaller or padding larger",
            c->id, (long long)out->out.dim[2], (long long)out->out.dim[3], (long long)in->dim[2],
            (long long)in->dim[3], (int)c->geometry.padding);
    }
    bool whole = out->out.dim[2] == in->dim[2] && out->out.dim[3] == in->dim[3];
    out->flags = ODEON_LAYER_LINEAR | (whole ? ODEON_LAYER_TRAIN_ONLY : 0) |
                 ((flags & ODEON_CALL_TRAIN) != 0 ? ODEON_LAYER_RANDOM : 0);
    return ODEON_OK;
}

/* The random geometry in training, the centred window in evaluation. */
static odeon_window2d geometry_of(const crop *layer, const odeon_context *context)
{
    odeon_window2d middle = {.padding = layer->choice.geometry.padding};
    return (context->flags & ODEON_CALL_TRAIN) != 0 ? layer->choice.geometry : middle;
}

/* in [B,C,H,W] -> out [B,C,P,Q]. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    odeon_window2d geometry = geometry_of(self, context);
    return context->device->ops->window2d(context->queue, &geometry, context->rng_key,
                                          context->first_sample, in, out);
}

/* Draws the same windows again from the same key; nothing is stored. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)in;
    (void)out;
    (void)d_t;
    odeon_window2d geometry = geometry_of(self, context);
    if (d_in == NULL) {
        return ODEON_OK;
    }
    return context->device->ops->window2d_vjp(context->queue, &geometry, context->rng_key,
                                              context->first_sample, d_out, d_in);
}

const odeon_layer_ops crop_ops = {
    .struct_size = sizeof crop_ops, .plan = plan, .forward = forward, .vjp = vjp};
