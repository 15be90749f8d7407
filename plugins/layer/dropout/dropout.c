/* dropout: in training y = x / (1 - p) with probability 1 - p, else 0, element by element; in
 * evaluation does nothing. As torch.nn.Dropout, except for the random numbers: they are indexed by
 * sample and element and keyed by layer, epoch and batch. So the mask does not depend on the number
 * of workers, and inside an ODE block it is constant during a whole solve, forward and backward,
 * which makes the field a function of y and t. */
#include "odeon/device_random.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct dropout {
    ODEON_INSTANCE;
    double p;
} dropout;

static const odeon_option *const options[] = {
    ODEON_OPTION(dropout, p, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "rate|prob|probability", .default_text = "0.5", .min_text = "0",
                 .max_text = "1", .help = "probability that an element becomes 0"),
    NULL};

/* Linear, since the mask does not depend on the input. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_LINEAR | ODEON_LAYER_TRAIN_ONLY | ODEON_LAYER_RANDOM;
    plan->out = plan->in;
    return ODEON_OK;
}

/* Multiplies x by the mask; forward and vjp are the same. */
static odeon_status apply(const dropout *layer, const odeon_layer_call *call, const odeon_view *x,
                          const odeon_tensor *y)
{
    odeon_shape sample = x->shape;
    sample.dim[0] = 1;
    return ODEON_DO(call->device, random, dropout, call->queue, .key = call->rng_key,
                    .first = call->first_sample * odeon_count(&sample), .p = layer->p, .x = x,
                    .y = y);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    return apply(self, call, call->in, call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    return call->d_in == NULL ? ODEON_OK : apply(self, call, call->d_out, call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp, .scheduled = "p"};

ODEON_PLUGIN_OPTIONS(LAYER, "dropout", &ops, "sets elements to 0 by chance, in training alone",
                     NULL, "dropout1d|dropout2d", dropout, options, NULL, NULL);
