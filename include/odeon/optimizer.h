/* optimizer.h: one update of one parameter tensor from its gradient.
 *
 * The host calls update once per optimizer step for every parameter tensor, on whichever worker
 * holds that tensor's turn; gradients are then already summed over the batch and clipped.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models, and a method that
 * evaluates more than once; to be frozen at 1.1. */
#ifndef ODEON_OPTIMIZER_H
#define ODEON_OPTIMIZER_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_MAX_MOMENTS 4

typedef struct odeon_update {
    uint32_t struct_size;
    int32_t role; /* ODEON_PARAM_WEIGHT or ODEON_PARAM_BIAS of layer.h */
    odeon_queue *queue;
    const odeon_device *device;
    int64_t step;                     /* optimizer steps, from 1 */
    double lr_factor;                 /* of a schedule: multiplies the learning rate */
    const odeon_tensor *param, *grad; /* flat, [n]; param is written, grad may be overwritten */
    const odeon_tensor *moment;       /* [moment_count] tensors like param; zero before step 1 */
} odeon_update;

enum {
    /* update treats every element by itself, whatever parameter and role it is of: several
     * parameters may come as one, with elements between them that are nobody's (0 at first). The
     * role is then WEIGHT. */
    ODEON_OPTIMIZER_ELEMENTWISE = 1 << 0
};

typedef struct odeon_optimizer_ops {
    uint32_t struct_size;
    int32_t flags; /* ODEON_OPTIMIZER_* */
    /* Tensors of a parameter's size that pass from step to step; at most ODEON_MAX_MOMENTS.
     * [any; build] */
    int32_t (*moment_count)(void *self);
    /* Its name in a checkpoint, "exp_avg"; index < moment_count. [any; build] */
    const char *(*moment_name)(void *self, int32_t index);
    double (*learning_rate)(void *self); /* before any schedule, for the metrics. [any; update] */
    odeon_status (*update)(void *self, const odeon_update *update); /* [worker; update] */
} odeon_optimizer_ops;

#ifdef __cplusplus
}
#endif
#endif
