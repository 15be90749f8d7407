/* Cannot live with a host of this minor version. */
#define HOSTILE_ID          "needs_newer_host"
#define HOSTILE_ABI_MINOR   7
#define HOSTILE_NEEDS_MINOR 7
#include "../common/hostile.h"
