/* Its component is smaller than any that there ever was. */
#define HOSTILE_ID    "small_struct"
#define HOSTILE_BYTES 8
#include "../common/hostile.h"
