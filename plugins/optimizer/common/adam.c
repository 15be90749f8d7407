#include "adam.h"

/* Holds constants only; moments belong to the host, which saves them in checkpoints. */
typedef struct adam {
    const odeon_host *host;
    odeon_adam constants; /* lr before the schedule; step is set at each update */
} adam;

const odeon_option adam_option_lr = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "lr",
    .aliases = "learningrate|eta|stepsize|alpha",
    .default_text = "1e-3",
    .min_text = "0",
    .help = "learning rate",
};
const odeon_option adam_option_beta1 = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MAX,
    .name = "beta1",
    .aliases = "b1|betas",
    .default_text = "0.9",
    .min_text = "0",
    .max_text = "1",
    .help = "decay of the mean of gradients",
};
const odeon_option adam_option_beta2 = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MAX,
    .name = "beta2",
    .aliases = "b2|betas",
    .default_text = "0.999",
    .min_text = "0",
    .max_text = "1",
    .help = "decay of the mean of squared gradients",
};
const odeon_option adam_option_epsilon = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "epsilon",
    .aliases = "eps",
    .default_text = "1e-8",
    .min_text = "0",
    .help = "added to the root of the mean square",
};

odeon_status adam_create(const odeon_host *host, const odeon_config *config, int32_t decoupled,
                         void **out)
{
    *out = NULL;
    adam *optimizer = host->alloc(host, sizeof *optimizer);
    if (optimizer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for an optimizer of %zu bytes",
                          sizeof *optimizer);
    }
    double decay = host->option_f64(config, "weight_decay");
    *optimizer = (adam){
        .host = host,
        .constants = {.lr = host->option_f64(config, "lr"),
                      .beta1 = host->option_f64(config, "beta1"),
                      .beta2 = host->option_f64(config, "beta2"),
                      .epsilon = host->option_f64(config, "epsilon"),
                      .decay_l2 = decoupled ? 0.0 : decay,
                      .decay_decoupled = decoupled ? decay : 0.0},
    };
    *out = optimizer;
    return ODEON_OK;
}

void adam_destroy(void *self)
{
    adam *optimizer = self;
    if (optimizer != NULL) {
        optimizer->host->free(optimizer->host, optimizer);
    }
}

static int32_t moment_count(void *self)
{
    (void)self;
    return 2;
}

/* Names of torch.optim.Adam's state; they are written to checkpoints. */
static const char *moment_name(void *self, int32_t index)
{
    (void)self;
    static const char *const names[] = {"exp_avg", "exp_avg_sq"};
    return index == 0 || index == 1 ? names[index] : NULL;
}

static double learning_rate(void *self)
{
    const adam *optimizer = self;
    return optimizer->constants.lr;
}

/* param, grad, moment[0], moment[1] [n]; the schedule scales lr at every step. */
static odeon_status update(void *self, const odeon_update *u)
{
    const adam *optimizer = self;
    odeon_adam constants = optimizer->constants;
    constants.lr *= u->lr_factor;
    constants.step = u->step;
    return u->device->ops->adam_step(u->queue, u->param, u->grad, &u->moment[0], &u->moment[1],
                                     &constants);
}

const odeon_optimizer_ops adam_ops = {
    .struct_size = sizeof(odeon_optimizer_ops),
    .flags = ODEON_OPTIMIZER_ELEMENTWISE,
    .moment_count = moment_count,
    .moment_name = moment_name,
    .learning_rate = learning_rate,
    .update = update,
};
