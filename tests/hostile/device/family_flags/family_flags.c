/* A family with a flag that has no meaning. */
#define HOSTILE_ID     "family_flags"
#define HOSTILE_CHANGE product.flags = 1u << 3

#include "../common/hostile_device.h"
