/* model.h: what the workers of a session have in common: the configuration, the device, the
 * parameters and their values. Workers know the model, the session above knows both.
 *
 * While workers run side by side, all of it is read only but for the device memory of values and
 * moments, of which every element has one worker that writes it (optimizer.h). */
#ifndef ODEON_CORE_SESSION_MODEL_H
#define ODEON_CORE_SESSION_MODEL_H
#include "config/config.h"
#include "data/data.h"
#include "device/buffer.h"
#include "device/open.h"
#include "net/params.h"
#include "odeon/loss.h"
#include "odeon/optimizer.h"
#include "plugin/instance.h"
#include "plugin/kernels.h"
#include "plugin/registry.h"

enum { MODEL_MAX_LOSSES = 4, MODEL_MAX_PHASES = 1 + CONFIG_MAX_PHASES };

typedef struct model {
    const config *config; /* borrowed from the session's caller */
    data_fields fields;
    bool until_ode;    /* the network ends with its first ODE block, and nothing is trained */
    bool shapes_only;  /* nothing will be run: there is no memory for numbers */
    int32_t n_workers; /* a batch is cut into as many slices */

    open_device opened;
    const odeon_device *device;                       /* what opened is as a device */
    bool device_is_apart;                             /* it has memory of its own */
    char *device_text;                                /* "cpu: OpenBLAS 0.3.21 SkylakeX" */
    kernel_list *kernels;                             /* NULL: layers do without */
    instance *schedules[MODEL_MAX_PHASES], *schedule; /* schedule: of phase; NULL: none */

    /* The phase of the run: 0, [train], or one of [train.NAME]; and the steps before it. */
    size_t phase;
    int64_t steps_before;
    figures *figures; /* borrowed from the registry */

    params params;        /* filled by the first worker's network; the others find the same */
    params data_params;   /* of the transforms, which may have none */
    device_buffer values; /* [params.trainable] */
    /* [params.trainable] each: the optimizer's n_own, then, of train.ema, the mean of the weights.
     */
    device_buffer moments[ODEON_MAX_MOMENTS + 1];
    int32_t n_moments, n_own;
    /* Of an optimizer that searches (minimize.h): vectors that it works with, and slots. */
    device_buffer work[ODEON_MAX_VECTORS], slots;
    double *lr_factors; /* [params.n] of the learning rate; below 0: the parameter is frozen */

    char *fitted; /* what the data set fitted (data/fitted.h), for the weights' files; NULL: nothing
                   */

    /* The columns of metrics, as the first worker's losses name them. */
    int32_t n_metrics;
    const char *metric_names[ODEON_MAX_METRICS];
    int32_t metric_at[ODEON_MAX_METRICS]; /* among the sums of all losses */
    char *loss_names[MODEL_MAX_LOSSES];   /* "loss_ID" where there are several; owned */
} model;

/* Opens device, kernels and schedules. m starts as {0} and is for model_fini, on failure too. */
odeon_status model_open(model *m, registry *r, const config *c, const data_fields *fields);
void model_fini(model *m); /* workers and their queues are gone */

/* Sets device_text. A device may describe itself otherwise once it has its queues, so that this
 * comes after the workers. */
odeon_status model_describe_device(model *m);

/* Memory for values and moments, set to 0; waits. */
odeon_status model_allocate(model *m, odeon_queue *queue);

/* Elements offset .. offset + count - 1 of a flat vector in the run's dtype, as a tensor. */
odeon_tensor model_flat(const model *m, char *data, int64_t offset, int64_t count);
/* Makes room for a flat vector of count elements and has it set to 0 on the queue. */
odeon_status model_fit_zero(const model *m, odeon_queue *queue, device_buffer *vector,
                            int64_t count);

#endif
