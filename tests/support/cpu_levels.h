/* cpu_levels.h: what of the device cpu's option simd this processor can run. */
#ifndef ODEON_CPU_LEVELS_H
#define ODEON_CPU_LEVELS_H

enum { CPU_LEVELS = 3 };

/* Their names, the baseline first; returns how many there are. */
int cpu_levels(const char *names[CPU_LEVELS]);

#endif
