/* A kernel with an option of its own. */
#define HOSTILE_ID      "kernel_options@cpu"
#define HOSTILE_BODIES  ODEON_BODIES_NONE
#define HOSTILE_OPTIONS options
#include "odeon/option.h"

static const odeon_option tile = {.struct_size = sizeof(odeon_option),
                                  .type = ODEON_OPTION_I64,
                                  .name = "tile",
                                  .default_text = "16",
                                  .help = "rows of a block"};
static const odeon_option *const options[] = {&tile, NULL};
#include "../common/hostile_layer.h"
