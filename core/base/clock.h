/* clock.h: seconds on a clock that never jumps. */
#ifndef ODEON_CORE_BASE_CLOCK_H
#define ODEON_CORE_BASE_CLOCK_H

double clock_seconds(void); /* since some fixed moment */

#endif
