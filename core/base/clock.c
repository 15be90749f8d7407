#include "base/clock.h"

#include <time.h>

/* Monotonic, so that durations survive a change of the system time. A double holds nanoseconds for
 * months of uptime. */
double clock_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
