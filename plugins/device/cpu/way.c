#include "way.h"

/* Few outputs leave lanes of vectors of filters empty. */
static cpu_way direct_way(cpu_conv_mode mode, const cpu_convolution *c, const cpu_direct *direct)
{
    int64_t outputs = mode == CPU_CONV_VJP_X ? c->windows.channels : c->filters;
    int32_t few = outputs < 2 * direct->lanes && outputs % direct->lanes != 0;
    if (few && direct_can(CPU_WAY_PLACES, c)) {
        return CPU_WAY_PLACES;
    }
    return direct_can(CPU_WAY_FILTERS, c) ? CPU_WAY_FILTERS : CPU_WAY_UNROLL;
}

cpu_way cpu_way_choose(int64_t convolution, cpu_conv_mode mode, const cpu_convolution *c,
                       const cpu_direct *direct, int32_t has_blas)
{
    (void)has_blas;
    switch (convolution) {
    case CPU_CONVOLUTION_UNROLL:
        return CPU_WAY_UNROLL;
    case CPU_CONVOLUTION_FILTERS:
        return direct_can(CPU_WAY_FILTERS, c) ? CPU_WAY_FILTERS : CPU_WAY_UNROLL;
    case CPU_CONVOLUTION_PLACES:
        return direct_can(CPU_WAY_PLACES, c) ? CPU_WAY_PLACES : CPU_WAY_UNROLL;
    default:
        return direct_way(mode, c, direct);
    }
}
