/* weight.h: the option that all losses have. */
#ifndef ODEON_LOSS_WEIGHT_H
#define ODEON_LOSS_WEIGHT_H
#include "odeon/option.h"

/* Written into the field `double weight` of the instance. */
#define WEIGHT_OPTION(type)                                                                        \
    ODEON_OPTION(type, weight, F64, .default_text = "1", .min_text = "0",                          \
                 .help = "factor of this loss, for sums of several")

#endif
