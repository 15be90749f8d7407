/* loss.h: a number to make small, its gradient, and named metrics beside it. Draft. */
#ifndef ODEON_LOSS_H
#define ODEON_LOSS_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_MAX_METRICS 8

typedef struct odeon_loss_call {
    uint32_t struct_size, reserved0;
    odeon_queue *queue;
    const odeon_device *device;
    const odeon_tensor *output; /* of the network: [B, ...] */
    const odeon_tensor *label;  /* I64 [B] for classes, else of output's shape and dtype */
    const odeon_tensor *mask;   /* or NULL */
    double weight;              /* 1 / samples of the global batch */
    /* F64 [1 + metric_count] on the device, written: this slice's share of the loss, so that the
     * sum over the workers is the mean over the global batch; then each metric's sum over the
     * samples of the slice. */
    const odeon_tensor *sums;
    const odeon_tensor *d_output; /* dL/doutput, written; NULL: not wanted */
} odeon_loss_call;

typedef struct odeon_loss_ops {
    uint32_t struct_size;
    uint32_t reserved0;
    int32_t (*metric_count)(void *self); /* at most ODEON_MAX_METRICS. [any] */
    /* "accuracy"; its value is the sum over all samples divided by their number. [any] */
    const char *(*metric_name)(void *self, int32_t index);
    /* Does the loss fit outputs of this shape and labels of so many classes (0: not classes)?
     * ODEON_ERR_CONFIG with both in the message. [worker] */
    odeon_status (*check)(void *self, const odeon_tensor *output, int64_t classes);
    odeon_status (*eval)(void *self, const odeon_loss_call *call); /* [worker] */
} odeon_loss_ops;

#ifdef __cplusplus
}
#endif
#endif
