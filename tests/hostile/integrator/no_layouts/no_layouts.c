/* Its root does not say with which draft headers it was built. */
#define HOSTILE_ID           "no_layouts"
#define HOSTILE_ROOT_LAYOUTS NULL
#include "../common/hostile.h"
