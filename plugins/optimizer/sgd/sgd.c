/* sgd: g' = g + weight_decay p; v = momentum v + g' (v = g' at the first step); p -= lr v, with
 * nesterov p -= lr (g' + momentum v); as torch.optim.SGD without dampening. */
#include "odeon/device_optimizer.h"
#include "odeon/optimizer.h"
#include "odeon/plugin.h"

/* Holds constants only; the momentum buffer belongs to the host. */
typedef struct sgd {
    ODEON_INSTANCE;
    double lr, momentum, weight_decay;
    int64_t nesterov;
} sgd;

static const odeon_option *const options[] = {
    ODEON_OPTION(sgd, lr, F64, .flags = ODEON_OPTION_REQUIRED,
                 .aliases = "learningrate|eta|stepsize|alpha", .min_text = "0",
                 .help = "learning rate"),
    ODEON_OPTION(sgd, momentum, F64, .aliases = "mu|beta", .default_text = "0", .min_text = "0",
                 .help = "share of the last update that is kept"),
    ODEON_OPTION(sgd, nesterov, FLAG, .default_text = "no",
                 .help = "look ahead along the momentum"),
    ODEON_OPTION(sgd, weight_decay, F64, .aliases = "wd|l2|decay", .default_text = "0",
                 .min_text = "0", .help = "times the parameter, added to its gradient"),
    NULL};

/* Nesterov's variant without momentum would silently be plain SGD, so it is refused, as PyTorch
 * does. */
static odeon_status init(void *self)
{
    const sgd *optimizer = self;
    if (optimizer->nesterov && !(optimizer->momentum > 0.0)) {
        return odeon_fail(optimizer->host, ODEON_ERR_CONFIG,
                          "sgd: nesterov = yes with momentum = %g; give a momentum above 0",
                          optimizer->momentum);
    }
    return ODEON_OK;
}

/* No buffer without momentum, which saves memory of the size of the parameters. */
static int32_t moment_count(void *self)
{
    const sgd *optimizer = self;
    return optimizer->momentum > 0.0 ? 1 : 0;
}

static const char *moment_name(void *self, int32_t index)
{
    (void)self;
    return index == 0 ? "momentum_buffer" : NULL;
}

static double learning_rate(void *self)
{
    const sgd *optimizer = self;
    return optimizer->lr;
}

/* param, grad, buffer [n]. The first step initializes the buffer with the gradient, as
 * torch.optim.SGD. */
static odeon_status update(void *self, const odeon_update *u)
{
    const sgd *optimizer = self;
    const odeon_tensor *velocity = moment_count(self) == 1 ? &u->moment[0] : NULL;
    return ODEON_DO(u->device, optimizer, sgd_step, u->queue, .p = u->param, .g = &u->grad->view,
                    .v = velocity, .lr = optimizer->lr * u->lr_factor,
                    .momentum = optimizer->momentum, .decay = optimizer->weight_decay,
                    .nesterov = optimizer->nesterov != 0, .first = u->step == 1);
}

static const odeon_optimizer_ops ops = {.struct_size = sizeof ops,
                                        .flags = ODEON_OPTIMIZER_ELEMENTWISE,
                                        .moment_count = moment_count,
                                        .moment_name = moment_name,
                                        .learning_rate = learning_rate,
                                        .update = update,
                                        .scheduled = "weight_decay"};

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "sgd", &ops,
                     "stochastic gradient descent, with momentum if momentum is not 0", NULL,
                     "momentum|nesterov|gd|gradientdescent|sgdm", sgd, options, init, NULL);
