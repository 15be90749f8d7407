/* device_pointwise.h: family pointwise: functions of single elements.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models; to be frozen with
 * loss.h and optimizer.h, at 1.1. */
#ifndef ODEON_DEVICE_POINTWISE_H
#define ODEON_DEVICE_POINTWISE_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pointwise functions. unary_vjp is given what the last column names: y = f(x), or x itself. */
enum {
    ODEON_UNARY_IDENTITY = 0, /* y */
    ODEON_UNARY_RELU,         /* y   max(x, 0); derivative 0 at 0 */
    ODEON_UNARY_TANH,         /* y */
    ODEON_UNARY_SOFTPLUS,     /* y   log(1 + exp(x)); x itself above 20, as PyTorch's; derivative 1
                                 there */
    ODEON_UNARY_SIGMOID,      /* y */
    ODEON_UNARY_EXP,          /* y */
    ODEON_UNARY_SQRT,         /* y */
    ODEON_UNARY_RECIPROCAL,   /* y */
    ODEON_UNARY_LOG,          /* x */
    ODEON_UNARY_SQUARE,       /* x */
    ODEON_UNARY_SIN,          /* x */
    ODEON_UNARY_COS,          /* x */
    ODEON_UNARY_ABS,          /* x */
    ODEON_UNARY_ERF,          /* x   2 / sqrt(pi) times the integral of exp(-u^2) from 0 to x */
    ODEON_UNARY_COUNT
};
/* The ids up to SIGMOID may also stand in an epilogue. */
#define ODEON_UNARY_LAST_EPILOGUE ODEON_UNARY_SIGMOID

#define ODEON_POWER_PRODUCTS 64

enum {
    ODEON_BINARY_ADD = 0,
    ODEON_BINARY_SUB,
    ODEON_BINARY_MUL,
    ODEON_BINARY_DIV,
    ODEON_BINARY_COUNT
};

/* y = f(x); y may be x. */
typedef struct odeon_unary {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
    int32_t id, reserved0; /* ODEON_UNARY_* */
} odeon_unary;

/* dx = dy * f'; kept is y or x as the id's line says; dx may be dy or kept. */
typedef struct odeon_unary_vjp {
    uint32_t struct_size, flags;
    const odeon_view *kept, *dy;
    const odeon_tensor *dx;
    int32_t id, reserved0;
} odeon_unary_vjp;

/* y = a op b; y may be a or b. */
typedef struct odeon_binary {
    uint32_t struct_size, flags;
    const odeon_view *a, *b;
    const odeon_tensor *y;
    int32_t id, reserved0; /* ODEON_BINARY_* */
} odeon_binary;

/* y = scale * x^exponent; y may be x. A whole exponent up to ODEON_POWER_PRODUCTS in magnitude is
 * so many multiplications, and a division where it is negative; any other is C's pow. */
typedef struct odeon_power {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
    double scale, exponent;
} odeon_power;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_pointwise_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*unary)(odeon_queue *queue, const odeon_unary *call);
    odeon_status (*unary_vjp)(odeon_queue *queue, const odeon_unary_vjp *call);
    odeon_status (*binary)(odeon_queue *queue, const odeon_binary *call);
    odeon_status (*power)(odeon_queue *queue, const odeon_power *call);
};

#ifdef __cplusplus
}
#endif
#endif
