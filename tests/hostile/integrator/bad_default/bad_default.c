/* Its option's default is out of range. */
#define HOSTILE_ID      "bad_default"
#define HOSTILE_OPTIONS options
#include "odeon/option.h"

static const odeon_option theta = {.struct_size = sizeof theta,
                                   .type = ODEON_OPTION_F64,
                                   .name = "theta",
                                   .default_text = "2",
                                   .min_text = "0",
                                   .max_text = "1",
                                   .help = "weight of the implicit part"};
static const odeon_option *const options[] = {&theta, NULL};

#include "../common/hostile.h"
