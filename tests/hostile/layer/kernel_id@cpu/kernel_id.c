/* A kernel whose device has no name. */
#define HOSTILE_ID     "kernel_id@"
#define HOSTILE_BODIES ODEON_BODIES_NONE
#include "../common/hostile_layer.h"
