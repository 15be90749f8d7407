/* clock.h: seconds on a monotonic clock. */
#ifndef ODEON_CORE_BASE_CLOCK_H
#define ODEON_CORE_BASE_CLOCK_H

double clock_seconds(void); /* since an arbitrary fixed moment */

#endif
