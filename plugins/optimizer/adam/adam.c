/* adam: m and v are running means of the gradient g' = g + weight_decay p and of its square;
 * p -= lr m^ / (sqrt(v^) + epsilon), with m^ = m / (1 - beta1^step), v^ = v / (1 - beta2^step); as
 * torch.optim.Adam.
 * Source: Kingma, Ba, Adam: a method for stochastic optimization, 2015, alg. 1. */
#include "../common/adam.h"
#include "odeon/plugin.h"

static const odeon_option weight_decay = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight_decay",
    .aliases = "wd|l2|decay",
    .default_text = "0",
    .min_text = "0",
    .help = "times the parameter, added to its gradient",
};
static const odeon_option *const options[] = {&adam_option_lr,    &adam_option_beta1,
                                              &adam_option_beta2, &adam_option_epsilon,
                                              &weight_decay,      NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    return adam_create(host, config, 0, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_OPTIMIZER,
    .kind_version = ODEON_LAYOUT_OPTIMIZER,
    .id = "adam",
    .summary = "adaptive moments",
    .version = "1.0",
    .license = "MIT",
    .source = "Kingma, Ba, Adam: a method for stochastic optimization, 2015, alg. 1",
    .options = options,
    .ops = &adam_ops,
    .create = create,
    .destroy = adam_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("optimizer/adam");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "adam",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
