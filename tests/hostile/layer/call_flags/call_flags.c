/* A leaf that calls an operator with a flag that has no meaning. */
#define HOSTILE_ID         "call_flags"
#define HOSTILE_BODIES     ODEON_BODIES_NONE
#define HOSTILE_ATTACH     NULL
#define HOSTILE_CALL_FLAGS (1u << 16)

#include "../common/hostile_layer.h"
