/* Its component says that it has no bytes at all. */
#define HOSTILE_ID    "zero_struct"
#define HOSTILE_BYTES 0
#include "../common/hostile.h"
