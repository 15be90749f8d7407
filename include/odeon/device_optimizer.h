/* device_optimizer.h: family optimizer: one update of parameters.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models; to be frozen with
 * optimizer.h, at 1.1. */
#ifndef ODEON_DEVICE_OPTIMIZER_H
#define ODEON_DEVICE_OPTIMIZER_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* g' = g + decay p; v = momentum v + g' (first: v = g'); p -= lr v, with nesterov
 * p -= lr (g' + momentum v). momentum 0: v may be NULL. All [n]. As PyTorch's SGD. */
typedef struct odeon_sgd_step {
    uint32_t struct_size, flags;
    const odeon_tensor *p;
    const odeon_view *g;
    const odeon_tensor *v;
    double lr, momentum, decay;
    int32_t nesterov, first;
} odeon_sgd_step;

/* p -= lr decay_decoupled p; g' = g + decay_l2 p; m = beta1 m + (1 - beta1) g';
 * v = beta2 v + (1 - beta2) g'^2;
 * p -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon). All [n]; step counts
 * from 1. Source: Kingma, Ba, Adam, 2015, alg. 1; Loshchilov, Hutter, AdamW, 2019, alg. 2. */
typedef struct odeon_adam_step {
    uint32_t struct_size, flags;
    const odeon_tensor *p;
    const odeon_view *g;
    const odeon_tensor *m, *v;
    double lr, beta1, beta2, epsilon, decay_l2, decay_decoupled;
    int64_t step;
} odeon_adam_step;

/* g' = g + decay p; v = alpha v + (1 - alpha) g'^2; with a mean (NULL: without)
 * mean = alpha mean + (1 - alpha) g' and d = max(v - mean^2, 0), else d = v;
 * s = g' / (sqrt(d) + epsilon); with a buffer (NULL: without) buffer = momentum buffer + s and
 * p -= lr buffer, else p -= lr s. All [n]. As PyTorch's RMSprop; source: Tieleman, Hinton, Neural
 * networks for machine learning, lecture 6.5, 2012. */
typedef struct odeon_rmsprop_step {
    uint32_t struct_size, flags;
    const odeon_tensor *p;
    const odeon_view *g;
    const odeon_tensor *v, *mean, *buffer;
    double lr, alpha, epsilon, decay, momentum;
} odeon_rmsprop_step;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_optimizer_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*sgd_step)(odeon_queue *queue, const odeon_sgd_step *call);
    odeon_status (*adam_step)(odeon_queue *queue, const odeon_adam_step *call);
    odeon_status (*rmsprop_step)(odeon_queue *queue, const odeon_rmsprop_step *call);
};

#ifdef __cplusplus
}
#endif
#endif
