/* A family with a slot that leads nowhere. */
#define HOSTILE_ID     "empty_slot"
#define HOSTILE_CHANGE product.channel_sum = NULL

#include "../common/hostile_device.h"
