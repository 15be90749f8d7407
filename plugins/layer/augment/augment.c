/* augment: appends channels of zeros, which give a flow more dimensions to move in: x [B,C,...] ->
 * y [B,C+p,...]. Source: Dupont, Doucet, Teh, Augmented Neural ODEs, 2019, section 4. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct augment {
    ODEON_INSTANCE;
    int64_t channels;
} augment;

static const odeon_option *const options[] = {
    ODEON_OPTION(augment, channels, I64, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "dims|dim|size|augmentdim|zeros", .min_text = "0",
                 .max_text = "2147483647", .help = "how many are appended"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const augment *layer = self;
    if (plan->in.ndim < 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "augment: the input is %s; it takes channels [B,C,...]",
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->out.dim[1] += layer->channels;
    return ODEON_OK;
}

/* Number of elements in one sample of x. */
static int64_t columns(const odeon_shape *x)
{
    odeon_shape flat = shape_channels(x);
    return flat.dim[1] * flat.dim[2];
}

/* x fills the first columns of each row; the rest stays 0. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    int64_t cols = columns(&call->in->shape);
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = call->out, .value = odeon_imm(0.0)));
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = call->in, .y = call->out,
                    .rows = call->in->shape.dim[0], .cols = cols, .x_pitch = cols,
                    .y_pitch = columns(&call->out->view.shape));
}

/* dy [B,C+p,...] -> dx [B,C,...]: drops the appended channels. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    int64_t cols = columns(&call->d_in->view.shape);
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out, .y = call->d_in,
                    .rows = call->d_in->view.shape.dim[0], .cols = cols,
                    .x_pitch = columns(&call->d_out->shape), .y_pitch = cols);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "augment", &ops, "appends channels of zeros",
                     "Dupont, Doucet, Teh, Augmented Neural ODEs, 2019, section 4",
                     "zeropad|anode|augmentation|padchannels", augment, options, NULL, NULL);
