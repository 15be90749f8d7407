/* wander: a layer whose value depends on all that a step depends on beside its batch: it adds a
 * number made of the random key and of running state, the count of its updates so far. Where the
 * count is at `limit`, and in one training step out of `every`, the number is NaN. For tests; the
 * state is read by the host. */
#include <math.h>

#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct wander {
    ODEON_INSTANCE;
    int64_t limit, every;
} wander;

static const odeon_option *const options[] = {
    ODEON_OPTION(wander, limit, I64, .default_text = "-1",
                 .help = "the count at which values are NaN"),
    ODEON_OPTION(wander, every, I64, .default_text = "0", .min_text = "0",
                 .help = "how rare random NaN are; 0: there are none"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_STATEFUL | ODEON_LAYER_RANDOM;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    (void)self;
    (void)in;
    if (index == 0) {
        out->role = ODEON_PARAM_STATE;
        out->shape = (odeon_shape){.ndim = 1, .dim = {1}};
        out->name = "count";
    }
    return ODEON_OK;
}

static odeon_status read_count(const odeon_layer_call *call, const odeon_view *state, double *out)
{
    double wide;
    float narrow;
    int is_wide = state->shape.dtype == ODEON_DTYPE_F64;
    void *to = is_wide ? (void *)&wide : (void *)&narrow;
    ODEON_TRY(call->device->ops->download(call->queue, to, odeon_read(state),
                                          is_wide ? sizeof wide : sizeof narrow));
    *out = is_wide ? wide : (double)narrow;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const wander *layer = self;
    double count;
    ODEON_TRY(read_count(call, &call->state[0].view, &count));
    double shift = 0.01 * count + 1e-4 * (double)(call->rng_key % 1000);
    int training = (call->flags & ODEON_CALL_TRAIN) != 0;
    int unlucky = layer->every > 0 && call->rng_key % (uint64_t)layer->every == 0;
    if (count == (double)layer->limit || (training && unlucky)) {
        shift = (double)NAN;
    }
    if ((call->flags & ODEON_CALL_UPDATE_STATE) != 0) {
        ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &call->state[0],
                           .value = odeon_imm(count + 1.0)));
    }
    return ODEON_DO(call->device, move, cast, call->queue, .x = call->in, .scale = 1.0,
                    .shift = shift, .y = call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "wander", &ops, "adds a number of random key and running state", NULL,
                     NULL, wander, options, NULL, NULL);
