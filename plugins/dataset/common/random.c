#include "random.h"

#include <math.h>

#include <Random123/philox.h>

static philox4x32_ctr_t philox(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t c = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    philox4x32_key_t k = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(c, k);
}

static double unit(uint32_t low, uint32_t high) /* the upper 53 bits as a number in [0, 1) */
{
    return (double)((low | (uint64_t)high << 32) >> 11) * 0x1p-53;
}

uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t c = philox(seed, stream, index);
    return c.v[0] | (uint64_t)c.v[1] << 32;
}

double random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t c = philox(seed, stream, index);
    return unit(c.v[0], c.v[1]);
}

/* Box-Muller transform. */
double random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    static const double two_pi = 6.283185307179586476925;
    philox4x32_ctr_t c = philox(seed, stream, index);
    double radius = sqrt(-2.0 * log(1.0 - unit(c.v[0], c.v[1]))); /* u < 1, so log never sees 0 */
    return radius * cos(two_pi * unit(c.v[2], c.v[3]));
}

void random_permutation(uint64_t seed, uint64_t stream, int64_t n, int64_t *order)
{
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (int64_t i = n - 1; i > 0; i--) { /* the bias of the remainder is below n / 2^64 */
        uint64_t j = random_bits(seed, stream, (uint64_t)i) % ((uint64_t)i + 1);
        int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
