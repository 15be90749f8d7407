/* Its option has no default and need not be given. */
#define HOSTILE_ID      "no_default"
#define HOSTILE_OPTIONS options
#include "odeon/option.h"

static const odeon_option theta = {.struct_size = sizeof theta,
                                   .type = ODEON_OPTION_F64,
                                   .name = "theta",

                                   .help = "weight of the implicit part"};
static const odeon_option *const options[] = {&theta, NULL};

#include "../common/hostile.h"
