/* cores.h: how many processors this process may use. */
#ifndef ODEON_CORE_BASE_CORES_H
#define ODEON_CORE_BASE_CORES_H
#include <stdint.h>

/* At least 1. Respects the process's affinity mask (taskset, a container's cpuset). */
int64_t cores_usable(void);

#endif
