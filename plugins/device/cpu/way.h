/* way.h: how the CPU device computes a convolution. */
#ifndef ODEON_CPU_WAY_H
#define ODEON_CPU_WAY_H
#include "direct.h"

/* Values of the option convolution; the last three force a way wherever it can compute the
 * convolution at all. */
enum {
    CPU_CONVOLUTION_AUTO,
    CPU_CONVOLUTION_DIRECT, /* the faster of the direct ways */
    CPU_CONVOLUTION_FILTERS,
    CPU_CONVOLUTION_PLACES,
    CPU_CONVOLUTION_UNROLL,
};

/* Who multiplies what is unrolled. */
typedef enum cpu_multiplier { CPU_BY_OWN, CPU_BY_BLAS, CPU_BY_TILES } cpu_multiplier;

/* The way of one convolution, which depends on neither batch nor data. */
cpu_way cpu_way_choose(int64_t convolution, cpu_conv_mode mode, const cpu_convolution *c,
                       const cpu_direct *direct, cpu_multiplier by);

#endif
