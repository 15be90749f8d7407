/* A kernel of a layer that holds others. */
#define HOSTILE_ID     "chain@cpu"
#define HOSTILE_BODIES ODEON_BODIES_NONE
#include "../common/hostile_layer.h"
