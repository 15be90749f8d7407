/* Nobody has set the size of its component. */
#define HOSTILE_ID    "garbage_size"
#define HOSTILE_BYTES 0x7ffffffcu
#include "../common/hostile.h"
