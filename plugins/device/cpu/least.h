/* least.h: the smaller and the larger of two counts. */
#ifndef ODEON_CPU_LEAST_H
#define ODEON_CPU_LEAST_H
#include <stdint.h>

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
