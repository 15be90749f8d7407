/* Nothing is wrong with it: a device with a base that may be chosen by itself. */
#define HOSTILE_ID   "based"
#define HOSTILE_RANK 0

#include "../common/hostile_device.h"
