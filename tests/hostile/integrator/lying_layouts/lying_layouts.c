/* The note says that it was built with this host's headers, the root that it was not. */
#define HOSTILE_ID "lying_layouts"
#define HOSTILE_ROOT_LAYOUTS                                                                       \
    "00000000.00000000.00000000.00000000.00000000.00000000.00000000.00000000.00000000"
#include "../common/hostile.h"
