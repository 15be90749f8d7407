#include "crop.h"

#include <stdbool.h>

#include "odeon/device_random.h"
#include "shape.h"

/* Fixed windows are linear; random ones depend on the sample but not on its values, so they are
 * linear too. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const crop *layer = self;
    if (plan->in.ndim != 4) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "%s: the input is %s; it takes images [B,C,H,W]", layer->id,
                          shape_print(&plan->in).text);
    }
    int64_t room = 2 * (int64_t)layer->geometry.padding;
    plan->out = plan->in;
    plan->out.dim[2] = layer->height > 0 ? layer->height : plan->in.dim[2];
    plan->out.dim[3] = layer->width > 0 ? layer->width : plan->in.dim[3];
    if (plan->out.dim[2] > plan->in.dim[2] + room || plan->out.dim[3] > plan->in.dim[3] + room) {
        return odeon_fail(
            layer->host, ODEON_ERR_CONFIG,
            "%s: %lld x %lld does not fit into images of %lld x %lld with padding %d; "
            "make size smaller or padding larger",
            layer->id, (long long)plan->out.dim[2], (long long)plan->out.dim[3],
            (long long)plan->in.dim[2], (long long)plan->in.dim[3], (int)layer->geometry.padding);
    }
    bool whole = plan->out.dim[2] == plan->in.dim[2] && plan->out.dim[3] == plan->in.dim[3];
    plan->flags = ODEON_LAYER_LINEAR | (whole ? ODEON_LAYER_TRAIN_ONLY : 0) |
                  ((plan->call_flags & ODEON_CALL_TRAIN) != 0 ? ODEON_LAYER_RANDOM : 0);
    return ODEON_OK;
}

/* The random geometry in training, the centred window in evaluation. */
static odeon_window_geometry geometry_of(const crop *layer, const odeon_layer_call *call)
{
    odeon_window_geometry middle = {.padding = layer->geometry.padding};
    return (call->flags & ODEON_CALL_TRAIN) != 0 ? layer->geometry : middle;
}

/* in [B,C,H,W] -> out [B,C,P,Q]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    odeon_window_geometry geometry = geometry_of(self, call);
    return ODEON_DO(call->device, random, window2d, call->queue, .geometry = geometry,
                    .key = call->rng_key, .first_sample = call->first_sample, .x = call->in,
                    .y = call->out);
}

/* Draws the same windows again from the same key; nothing is stored. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    odeon_window_geometry geometry = geometry_of(self, call);
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    return ODEON_DO(call->device, random, window2d_vjp, call->queue, .geometry = geometry,
                    .key = call->rng_key, .first_sample = call->first_sample, .dy = call->d_out,
                    .dx = call->d_in);
}

const odeon_layer_ops crop_ops = {
    .struct_size = sizeof crop_ops, .plan = plan, .forward = forward, .vjp = vjp};
