#include "base/cores.h"

#include <sched.h>
#include <unistd.h>

/* The affinity mask rather than the machine: in a container or under taskset more workers than
 * cores would only take turns. */
int64_t cores_usable(void)
{
    cpu_set_t mine;
    /* Fails where the machine has more processors than cpu_set_t holds; then count all that are
     * online. */
    int n = sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 0;
    int64_t all = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? n : all > 0 ? all : 1;
}
