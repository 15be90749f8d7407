/* rmsprop: g' = g + weight_decay p; v = alpha v + (1 - alpha) g'^2; p -= lr g' / (sqrt(v) +
 * epsilon); centered: v less the square of the same mean of g'; with momentum the quotient passes
 * through buffer = momentum buffer + quotient first; as torch.optim.RMSprop. */
#include "odeon/optimizer.h"
#include "odeon/plugin.h"

/* Holds constants only; moments belong to the host. */
typedef struct rmsprop {
    const odeon_host *host;
    odeon_rmsprop constants;
    int32_t centered;
} rmsprop;

static const odeon_option lr = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "lr",
    .aliases = "learningrate|eta|stepsize",
    .default_text = "1e-2",
    .min_text = "0",
    .help = "learning rate",
};
static const odeon_option alpha = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MAX,
    .name = "alpha",
    .aliases = "rho|decay",
    .default_text = "0.99",
    .min_text = "0",
    .max_text = "1",
    .help = "share of the running mean of squares that is kept",
};
static const odeon_option epsilon = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "epsilon",
    .aliases = "eps",
    .default_text = "1e-8",
    .min_text = "0",
    .help = "added to the root of that mean",
};
static const odeon_option momentum = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "momentum",
    .default_text = "0",
    .min_text = "0",
    .help = "share of the last update that is kept",
};
static const odeon_option centered = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "centered",
    .default_text = "no",
    .help = "divide by the deviation of the gradient in place of its root mean square",
};
static const odeon_option weight_decay = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight_decay",
    .aliases = "wd|l2",
    .default_text = "0",
    .min_text = "0",
    .help = "times the parameter, added to its gradient",
};
static const odeon_option *const options[] = {&lr,       &alpha,        &epsilon, &momentum,
                                              &centered, &weight_decay, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    rmsprop *optimizer = host->alloc(host, sizeof *optimizer);
    if (optimizer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "rmsprop: no memory for %zu bytes",
                          sizeof *optimizer);
    }
    *optimizer = (rmsprop){
        .host = host,
        .constants = {.lr = host->option_f64(config, "lr"),
                      .alpha = host->option_f64(config, "alpha"),
                      .epsilon = host->option_f64(config, "epsilon"),
                      .decay = host->option_f64(config, "weight_decay"),
                      .momentum = host->option_f64(config, "momentum")},
        .centered = (int32_t)host->option_i64(config, "centered"),
    };
    *out = optimizer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    rmsprop *optimizer = self;
    if (optimizer != NULL) {
        optimizer->host->free(optimizer->host, optimizer);
    }
}

/* Moments in order: the mean of squares, the momentum buffer if momentum > 0, the mean if centered.
 * Names as torch.optim.RMSprop's. */
static int32_t has_buffer(const rmsprop *optimizer)
{
    return optimizer->constants.momentum > 0.0 ? 1 : 0;
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
    return optimizer->constants.lr;
}

/* param, grad and moments [n]. */
static odeon_status update(void *self, const odeon_update *u)
{
    const rmsprop *optimizer = self;
    odeon_rmsprop constants = optimizer->constants;
    constants.lr *= u->lr_factor;
    const odeon_tensor *buffer = has_buffer(optimizer) ? &u->moment[1] : NULL;
    const odeon_tensor *mean = optimizer->centered ? &u->moment[1 + has_buffer(optimizer)] : NULL;
    return u->device->ops->rmsprop_step(u->queue, u->param, u->grad, &u->moment[0], mean, buffer,
                                        &constants);
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
    .id = "rmsprop",
    .aliases = "rms",
    .summary = "steps divided by a running root mean square of the gradient",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("optimizer/rmsprop");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "rmsprop",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
