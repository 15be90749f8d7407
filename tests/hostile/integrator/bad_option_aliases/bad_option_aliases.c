/* Its option has an alias of no letters. */
#define HOSTILE_ID      "bad_option_aliases"
#define HOSTILE_OPTIONS options
#include "odeon/option.h"

static const odeon_option theta = {.struct_size = sizeof theta,
                                   .type = ODEON_OPTION_FLAG,
                                   .name = "theta",
                                   .aliases = "a||b",
                                   .default_text = "no",
                                   .help = "weight of the implicit part"};
static const odeon_option *const options[] = {&theta, NULL};

#include "../common/hostile.h"
