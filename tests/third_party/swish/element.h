/* element.h: swish and its derivative at one number, for kernels on a card and on the host. */
#ifndef SWISH_ELEMENT_H
#define SWISH_ELEMENT_H
#include <math.h>

#ifdef __CUDACC__
#define SWISH_FN static __device__ __forceinline__
#else
#define SWISH_FN static inline
#endif

SWISH_FN float swish_f32(float beta, float x)
{
    return x / (1.0f + expf(-beta * x));
}

SWISH_FN double swish_f64(double beta, double x)
{
    return x / (1.0 + exp(-beta * x));
}

SWISH_FN float swish_slope_f32(float beta, float x)
{
    float s = 1.0f / (1.0f + expf(-beta * x));
    return s * (1.0f + beta * x * (1.0f - s));
}

SWISH_FN double swish_slope_f64(double beta, double x)
{
    double s = 1.0 / (1.0 + exp(-beta * x));
    return s * (1.0 + beta * x * (1.0 - s));
}

#endif
