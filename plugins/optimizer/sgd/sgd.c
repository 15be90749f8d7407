/* sgd: g' = g + weight_decay p; v = momentum v + g' (v = g' at the first step); p -= lr v, with
 * nesterov p -= lr (g' + momentum v); as torch.optim.SGD without dampening. */
#include "odeon/optimizer.h"
#include "odeon/plugin.h"

/* Holds constants only; the momentum buffer belongs to the host. */
typedef struct sgd {
    const odeon_host *host;
    double lr, momentum, weight_decay;
    int32_t nesterov;
} sgd;

static const odeon_option lr = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "lr",
    .aliases = "learningrate|eta|stepsize|alpha",
    .min_text = "0",
    .help = "learning rate",
};
static const odeon_option momentum = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "momentum",
    .aliases = "mu|beta",
    .default_text = "0",
    .min_text = "0",
    .help = "share of the last update that is kept",
};
static const odeon_option nesterov = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "nesterov",
    .default_text = "no",
    .help = "look ahead along the momentum",
};
static const odeon_option weight_decay = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight_decay",
    .aliases = "wd|l2|decay",
    .default_text = "0",
    .min_text = "0",
    .help = "times the parameter, added to its gradient",
};
static const odeon_option *const options[] = {&lr, &momentum, &nesterov, &weight_decay, NULL};

/* Nesterov's variant without momentum would silently be plain SGD, so it is refused, as PyTorch
 * does. */
static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    sgd chosen = {
        .host = host,
        .lr = host->option_f64(config, "lr"),
        .momentum = host->option_f64(config, "momentum"),
        .weight_decay = host->option_f64(config, "weight_decay"),
        .nesterov = (int32_t)host->option_i64(config, "nesterov"),
    };
    if (chosen.nesterov && !(chosen.momentum > 0.0)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "sgd: nesterov = yes with momentum = %g; give a momentum above 0",
                          chosen.momentum);
    }
    sgd *optimizer = host->alloc(host, sizeof *optimizer);
    if (optimizer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "sgd: no memory for %zu bytes", sizeof *optimizer);
    }
    *optimizer = chosen;
    *out = optimizer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    sgd *optimizer = self;
    if (optimizer != NULL) {
        optimizer->host->free(optimizer->host, optimizer);
    }
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
    return u->device->ops->sgd_step(u->queue, u->param, u->grad, velocity,
                                    optimizer->lr * u->lr_factor, optimizer->momentum,
                                    optimizer->weight_decay, optimizer->nesterov, u->step == 1);
}

static const odeon_optimizer_ops ops = {
    .struct_size = sizeof ops,
    .flags = ODEON_OPTIMIZER_ELEMENTWISE,
    .moment_count = moment_count,
    .moment_name = moment_name,
    .learning_rate = learning_rate,
    .update = update,
};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_OPTIMIZER,
    .kind_version = ODEON_LAYOUT_OPTIMIZER,
    .id = "sgd",
    .aliases = "momentum|nesterov|gd|gradientdescent|sgdm",
    .summary = "stochastic gradient descent, with momentum if momentum is not 0",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("optimizer/sgd");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "sgd",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
