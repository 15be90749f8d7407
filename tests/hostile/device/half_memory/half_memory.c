/* One slot of memory and queues, and the rest the base's. */
#include "odeon/device.h"

static void free_nothing(void *self, void *memory)
{
    (void)self;
    (void)memory;
}

#define HOSTILE_ID   "half_memory"
#define HOSTILE_FREE free_nothing

#include "../common/hostile_device.h"
