/* loss.h: a number to make small, its gradient, and named metrics beside it.
 *
 * Several losses of one run add up. Each has an option `weight`, a number with default 1, by which
 * it multiplies its value and gradient, but not its metrics.
 *
 * QUANTITIES are numbers of the samples that the network makes on its way, seen by name: integrals
 * along the path of an ODE block (layer.h) as "BLOCK.NAME", e.g. "ode.kinetic", and what a layer
 * outside of blocks makes of a sample (ODEON_LAYER_QUANTITIES) as "LAYER.NAME". A loss names those
 * it reads; a name that nothing makes is refused when the network is built.
 *
 * Example: a penalty on quantity 0 is row_share times the sum of its value, with row_share for
 * d_value and 0 for d_output (plugins/loss/penalty).
 *
 * Draft. To be seen before it is frozen: calls timed on the five models; to be frozen at 1.1. */
#ifndef ODEON_LOSS_H
#define ODEON_LOSS_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_MAX_METRICS    8
#define ODEON_MAX_QUANTITIES 8

/* The metric by which a host tells the best weights, greater being better; where no loss has it,
 * the loss on the test split does. */
#define ODEON_METRIC_ACCURACY "accuracy"

/* Growing. */
typedef struct odeon_quantity {
    uint32_t struct_size, reserved0;
    const char *name;            /* "ode.kinetic" */
    const odeon_view *value;     /* [B], in the run's dtype */
    const odeon_tensor *d_value; /* of this loss: dL/dvalue, written; NULL: not wanted */
} odeon_quantity;

typedef struct odeon_loss_call {
    uint32_t struct_size, reserved0;
    odeon_queue *queue;
    const odeon_device *device;
    const odeon_view *output; /* of the network: [B, ...] */
    const odeon_view *label;  /* I64 [B] for classes, else of output's shape and dtype */
    const odeon_view *mask;   /* of output's dtype and label's shape, 0: leave it out; or NULL */
    /* 1 / elements of the global batch's label, or 1 / sum of its mask; never inf. Of a loss with
     * label_weight each element counts as much more as that says. */
    double weight;
    /* F64 [1 + metric_count] on the device, written: this slice's share of the loss, so that the
     * sum over the workers is the mean over the global batch; then each metric's sum over the
     * elements of the slice's label, times the mask. */
    const odeon_tensor *sums;
    const odeon_tensor *d_output;          /* dL/doutput, written; NULL: not wanted */
    const odeon_quantity *const *quantity; /* those of the slot quantity, in its order */
    double row_share;                      /* 1 / samples of the global batch */
} odeon_loss_call;

/* Growing. What a loss is going to be given, with batch 1. */
typedef struct odeon_loss_shapes {
    uint32_t struct_size, reserved0;
    /* label of output's shape where classes is 0 and a loss reads it */
    const odeon_shape *output, *label;
    const odeon_shape *mask; /* NULL: there is none */
    int64_t classes;         /* labels are 0 .. classes - 1; 0: numbers */
} odeon_loss_shapes;

/* Properties of a loss. */
enum {
    ODEON_LOSS_NO_LABELS = 1 << 0 /* reads neither label nor mask: where all losses of a run do, the
                                     model may make what has another shape than the labels */
};

/* Growing. The ops of kind loss. */
typedef struct odeon_loss_ops {
    uint32_t struct_size;
    uint32_t flags;                      /* ODEON_LOSS_* */
    int32_t (*metric_count)(void *self); /* at most ODEON_MAX_METRICS. [any; build] */
    /* "accuracy"; its value is the sum divided by the elements, or by the sum of the mask. [any;
     * build] */
    const char *(*metric_name)(void *self, int32_t index);
    /* Does the loss fit? ODEON_ERR_CONFIG with what does not fit in the message.
     * [worker; build] */
    odeon_status (*check)(void *self, const odeon_loss_shapes *shapes);
    odeon_status (*eval)(void *self, const odeon_loss_call *call); /* [worker; batch] */
    /* (optional) The name of quantity index that it wants, NULL after the last, of at most
     * ODEON_MAX_QUANTITIES; lives as long as the instance. [any; build] */
    const char *(*quantity)(void *self, int32_t index);
    /* (optional) How much a sample of class label counts in the mean, >= 0. One loss of a run may
     * answer anything but 1. [worker; build] */
    double (*label_weight)(void *self, int64_t label);
    /* (optional) "weight|delta": options of type F64 that may follow a schedule. The host writes
     * their fields anew between two batches; every eval reads them, and nothing else was made of
     * them. Lives as long as the plugin. */
    const char *scheduled;
} odeon_loss_ops;

#ifdef __cplusplus
}
#endif
#endif
