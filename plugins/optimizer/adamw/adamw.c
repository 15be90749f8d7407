/* adamw: p -= lr weight_decay p, then Adam's step on the gradient alone; as torch.optim.AdamW.
 * Source: Loshchilov, Hutter, Decoupled weight decay regularization, 2019, alg. 2. */
#include "../common/adam.h"
#include "odeon/plugin.h"

static const odeon_option weight_decay = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight_decay",
    .aliases = "wd|l2|decay",
    .default_text = "1e-2",
    .min_text = "0",
    .help = "times the learning rate, the share of a parameter that every step takes away",
};
static const odeon_option *const options[] = {&adam_option_lr,    &adam_option_beta1,
                                              &adam_option_beta2, &adam_option_epsilon,
                                              &weight_decay,      NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    return adam_create(host, config, 1, out);
}

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_OPTIMIZER,
    .kind_version = ODEON_LAYOUT_OPTIMIZER,
    .id = "adamw",
    .aliases = "adamweightdecay",
    .summary = "adaptive moments with decoupled weight decay",
    .version = "1.0",
    .license = "MIT",
    .source = "Loshchilov, Hutter, Decoupled weight decay regularization, 2019, alg. 2",
    .options = options,
    .ops = &adam_ops,
    .create = create,
    .destroy = adam_destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("optimizer/adamw");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "adamw",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
