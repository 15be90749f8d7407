/* Its option must be given and has a default. */
#define HOSTILE_ID      "required_default"
#define HOSTILE_OPTIONS options
#include "odeon/option.h"

static const odeon_option theta = {.struct_size = sizeof theta,
                                   .type = ODEON_OPTION_F64,
                                   .name = "theta",
                                   .flags = ODEON_OPTION_REQUIRED,
                                   .default_text = "1",
                                   .help = "weight of the implicit part"};
static const odeon_option *const options[] = {&theta, NULL};

#include "../common/hostile.h"
