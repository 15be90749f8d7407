/* A family that ends before the last slot of this host's. */
#define HOSTILE_ID     "short_family"
#define HOSTILE_CHANGE product.struct_size -= (uint32_t)sizeof product.channel_sum

#include "../common/hostile_device.h"
