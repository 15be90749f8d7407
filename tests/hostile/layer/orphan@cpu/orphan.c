/* A kernel of a layer that there is not. */
#define HOSTILE_ID     "orphan@cpu"
#define HOSTILE_BODIES ODEON_BODIES_NONE
#include "../common/hostile_layer.h"
