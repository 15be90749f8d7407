/* A family that ends before the last slot of this host's. */
#define HOSTILE_ID     "short_family"
#define HOSTILE_CHANGE product.struct_size = offsetof(odeon_product_family, channel_sum)

#include "../common/hostile_device.h"
