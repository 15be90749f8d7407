/* rmsprop: g' = g + weight_decay p; v = alpha v + (1 - alpha) g'^2; p -= lr g' / (sqrt(v) +
 * epsilon); centered: v less the square of the same mean of g'; with momentum the quotient passes
 * through buffer = momentum buffer + quotient first; as torch.optim.RMSprop. */
#include "odeon/device_optimizer.h"
#include "odeon/optimizer.h"
#include "odeon/plugin.h"

/* Holds constants only; moments belong to the host. */
typedef struct rmsprop {
    ODEON_INSTANCE;
    double lr, alpha, epsilon, momentum, weight_decay;
    int64_t centered;
} rmsprop;

static const odeon_option *const options[] = {
    ODEON_OPTION(rmsprop, lr, F64, .aliases = "learningrate|eta|stepsize", .default_text = "1e-2",
                 .min_text = "0", .help = "learning rate"),
    ODEON_OPTION(rmsprop, alpha, F64, .flags = ODEON_OPTION_OPEN_MAX, .aliases = "rho|decay",
                 .default_text = "0.99", .min_text = "0", .max_text = "1",
                 .help = "share of the running mean of squares that is kept"),
    ODEON_OPTION(rmsprop, epsilon, F64, .flags = ODEON_OPTION_OPEN_MIN, .aliases = "eps",
                 .default_text = "1e-8", .min_text = "0", .help = "added to the root of that mean"),
    ODEON_OPTION(rmsprop, momentum, F64, .default_text = "0", .min_text = "0",
                 .help = "share of the last update that is kept"),
    ODEON_OPTION(rmsprop, centered, FLAG, .default_text = "no",
                 .help =
                     "divide by the deviation of the gradient in place of its root mean square"),
    ODEON_OPTION(rmsprop, weight_decay, F64, .aliases = "wd|l2", .default_text = "0",
                 .min_text = "0", .help = "times the parameter, added to its gradient"),
    NULL};

/* Moments in order: the mean of squares, the momentum buffer if momentum > 0, the mean if centered.
 * Names as torch.optim.RMSprop's. */
static int32_t has_buffer(const rmsprop *optimizer)
{
    return optimizer->momentum > 0.0 ? 1 : 0;
}

static int32_t moment_count(void *self)
{
    const rmsprop *optimizer = self;
    return 1 + has_buffer(optimizer) + (optimizer->centered ? 1 : 0);
}

static const char *moment_name(void *self, int32_t index)
{
    if (index == 0) {
        return "square_avg";
    }
    return index == 1 && has_buffer(self) ? "momentum_buffer" : "grad_avg";
}

static double learning_rate(void *self)
{
    const rmsprop *optimizer = self;
    return optimizer->lr;
}

/* param, grad and moments [n]. */
static odeon_status update(void *self, const odeon_update *u)
{
    const rmsprop *optimizer = self;
    const odeon_tensor *buffer = has_buffer(optimizer) ? &u->moment[1] : NULL;
    const odeon_tensor *mean = optimizer->centered ? &u->moment[1 + has_buffer(optimizer)] : NULL;
    return ODEON_DO(u->device, optimizer, rmsprop_step, u->queue, .p = u->param,
                    .g = &u->grad->view, .v = &u->moment[0], .mean = mean, .buffer = buffer,
                    .lr = optimizer->lr * u->lr_factor, .alpha = optimizer->alpha,
                    .epsilon = optimizer->epsilon, .decay = optimizer->weight_decay,
                    .momentum = optimizer->momentum);
}

static const odeon_optimizer_ops ops = {.struct_size = sizeof ops,
                                        .flags = ODEON_OPTIMIZER_ELEMENTWISE,
                                        .moment_count = moment_count,
                                        .moment_name = moment_name,
                                        .learning_rate = learning_rate,
                                        .update = update,
                                        .scheduled = "weight_decay"};

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "rmsprop", &ops,
                     "steps divided by a running root mean square of the gradient", NULL, "rms",
                     rmsprop, options, NULL, NULL);
