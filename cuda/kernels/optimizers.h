/* optimizers.h: updates of parameters, element by element. What is NULL below stands aside. */
#ifndef ODEON_CUDA_KERNELS_OPTIMIZERS_H
#define ODEON_CUDA_KERNELS_OPTIMIZERS_H
#include "../kernel.h"

typedef struct sgd_args {
    void *p;
    const void *g;
    void *v; /* NULL: no momentum */
    int64_t count;
    double lr, momentum, decay;
    int32_t nesterov, first;
} sgd_args;

/* keep: what decoupled decay leaves of a parameter. rate and root: lr and the root of v as the
 * number of steps corrects them. */
typedef struct adam_args {
    void *p;
    const void *g;
    void *m, *v;
    int64_t count;
    double keep, decay, beta1, rest1, beta2, rest2, rate, root, epsilon;
} adam_args;

typedef struct rmsprop_args {
    void *p;
    const void *g;
    void *v, *mean, *buffer;
    int64_t count;
    double lr, alpha, rest, epsilon, decay, momentum;
} rmsprop_args;

#endif
