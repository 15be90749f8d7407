/* Its note names another major version of the ABI. */
#define HOSTILE_ID        "other_major"
#define HOSTILE_ABI_MAJOR 2
#include "../common/hostile.h"
