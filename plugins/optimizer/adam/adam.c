/* adam: m and v are running means of the gradient g' = g + weight_decay p and of its square;
 * p -= lr m^ / (sqrt(v^) + epsilon), with m^ = m / (1 - beta1^step), v^ = v / (1 - beta2^step); as
 * torch.optim.Adam.
 * Source: Kingma, Ba, Adam: a method for stochastic optimization, 2015, alg. 1. */
#include "../common/adam.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ADAM_OPTIONS,
    ODEON_OPTION(adam, weight_decay, F64, .aliases = "wd|l2|decay", .default_text = "0",
                 .min_text = "0", .help = "times the parameter, added to its gradient"),
    NULL};

ODEON_PLUGIN_OPTIONS(OPTIMIZER, "adam", &adam_ops, "adaptive moments",
                     "Kingma, Ba, Adam: a method for stochastic optimization, 2015, alg. 1", NULL,
                     adam, options, NULL, NULL);
