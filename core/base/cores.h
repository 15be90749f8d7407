/* cores.h: how many processors this process may use. */
#ifndef ODEON_CORE_BASE_CORES_H
#define ODEON_CORE_BASE_CORES_H
#include <stdint.h>

/* At least 1. A process that was given some of the machine's processors (taskset, a container's
 * set of them) counts these alone. */
int64_t cores_usable(void);

#endif
