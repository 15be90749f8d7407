/* adamw: p -= lr weight_decay p, then Adam's step on the gradient alone; as torch.optim.AdamW.
 * Source: Loshchilov, Hutter, Decoupled weight decay regularization, 2019, alg. 2. */
#include "../common/adam.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ADAM_OPTIONS,
    ODEON_OPTION(
        adam, weight_decay, F64, .aliases = "wd|l2|decay", .default_text = "1e-2", .min_text = "0",
        .help = "times the learning rate, the share of a parameter that every step takes away"),
    NULL};

static odeon_status init(void *self)
{
    adam *optimizer = self;
    optimizer->decoupled = 1;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "adamw", &adam_ops, "adaptive moments with decoupled weight decay",
                     "Loshchilov, Hutter, Decoupled weight decay regularization, 2019, alg. 2",
                     "adamweightdecay", adam, options, init, NULL);
