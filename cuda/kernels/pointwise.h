/* pointwise.h: functions of one or two numbers, element by element. */
#ifndef ODEON_CUDA_KERNELS_POINTWISE_H
#define ODEON_CUDA_KERNELS_POINTWISE_H
#include "vector.h"

/* y = f(x); vjp: dx = dy * f', from what is kept. */
typedef struct unary_args {
    const void *x, *dy;
    void *y;
    int64_t count;
    int32_t id, aligned; /* aligned: all lie where vectors may */
} unary_args;

typedef struct binary_args {
    const void *a, *b;
    void *y;
    int64_t count;
    int32_t id, aligned; /* aligned: all lie where vectors may */
} binary_args;

/* y = scale * x^exponent; a whole one is so many products, and a division where inverse. */
typedef struct power_args {
    const void *x;
    void *y;
    int64_t count;
    double scale, exponent;
    int32_t whole, products, inverse, reserved0;
} power_args;

#endif
