/* optimizer.h: one update of one parameter tensor from its gradient, or of all parameters at once
 * by a method that evaluates the loss more than once.
 *
 * The host calls update once per optimizer step for every parameter tensor, on whichever worker
 * holds that tensor's turn; gradients are then already summed over the batch and clipped. A method
 * that searches, as L-BFGS does, has minimize in its stead.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models, and a second method that
 * evaluates more than once; to be frozen at 1.1. */
#ifndef ODEON_OPTIMIZER_H
#define ODEON_OPTIMIZER_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/param.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_MAX_MOMENTS 256
#define ODEON_MAX_VECTORS 16

typedef struct odeon_update {
    uint32_t struct_size;
    int32_t role; /* ODEON_PARAM_WEIGHT or ODEON_PARAM_BIAS of param.h */
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

/* Growing. A step of a method that evaluates more than once. */
typedef struct odeon_minimize {
    uint32_t struct_size, reserved0;
    /* All parameters as one vector [n], with elements between them that are nobody's: their
     * gradient is 0, as is that of frozen parameters, and both have to stay as they are. param is
     * where the step begins, and grad the gradient there. role is WEIGHT. */
    const odeon_update *update;
    double loss;              /* at param as it is now: finite */
    const odeon_tensor *work; /* [work_count] like param: contents undefined */
    double *slots;            /* ODEON_SLOTS of device_solver.h on the device, all of them free */

    /* The loss of the batch at what param is by now, whose gradient it writes to grad; waits. The
     * random numbers are those of the step, the same every time. *loss is infinite where the model
     * cannot be evaluated, and grad undefined. A status other than ODEON_OK ends the run: pass it
     * on. [main; update] */
    odeon_status (*eval)(void *host, double *loss);
    void *host; /* for eval */
} odeon_minimize;

typedef struct odeon_optimizer_ops {
    uint32_t struct_size;
    int32_t flags; /* ODEON_OPTIMIZER_* */
    /* Tensors of a parameter's size that pass from step to step; at most ODEON_MAX_MOMENTS.
     * [any; build] */
    int32_t (*moment_count)(void *self);
    /* Its name in a checkpoint, "exp_avg"; index < moment_count. [any; build] */
    const char *(*moment_name)(void *self, int32_t index);
    double (*learning_rate)(void *self); /* before any schedule, for the metrics. [any; update] */
    /* Required unless there is minimize. [worker; update] */
    odeon_status (*update)(void *self, const odeon_update *update);

    /* ---- optional ---- */

    /* In place of update: leaves param where the step ends. A loss that is no longer finite, or a
     * failure of the model, is a trial to be taken back, so that param ends where the loss is
     * finite. What passes from step to step is in moments alone, so that a run which goes on has
     * the same bits. Of the first worker's instance. [main; update] */
    odeon_status (*minimize)(void *self, const odeon_minimize *call);
    /* With minimize, 0 without it: tensors of the parameters' size that a step works with; at most
     * ODEON_MAX_VECTORS. [any; build] */
    int32_t (*work_count)(void *self);
    /* With minimize, no without it: 1 where a step has to be of all samples of an epoch, since
     * losses of different batches cannot be compared. [any; build] */
    int32_t (*whole_batch)(void *self);
    /* "weight_decay|beta1": options of type F64 that may follow a schedule, as in loss.h. The
     * learning rate has the run's schedule and is none of them. */
    const char *scheduled;
} odeon_optimizer_ops;

#ifdef __cplusplus
}
#endif
#endif
