/* The second kernel of layer shadowed for one device. */
#define HOSTILE_ID     "shadowed@cpu"
#define HOSTILE_BODIES ODEON_BODIES_NONE
#include "../common/hostile_layer.h"
