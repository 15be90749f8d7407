/* Its base has a base. */
#define HOSTILE_ID   "base_of_base"
#define HOSTILE_BASE "empty_slot"

#include "../common/hostile_device.h"
