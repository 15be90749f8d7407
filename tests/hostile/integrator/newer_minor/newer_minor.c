/* Made for a later minor version, but content with this one; its structures are longer. */
#define HOSTILE_ID        "newer_minor"
#define HOSTILE_ABI_MINOR 7
#define HOSTILE_BYTES     sizeof(longer_component)
#include "../common/hostile.h"
