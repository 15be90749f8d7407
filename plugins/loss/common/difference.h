/* difference.h: losses that are the mean of a function of output - label over all elements, any
 * shape; with a mask sum(mask * e) / sum(mask). Metric mae: the mean of |output - label|. */
#ifndef ODEON_LOSS_DIFFERENCE_H
#define ODEON_LOSS_DIFFERENCE_H
#include "odeon/device_loss.h"
#include "odeon/host.h"
#include "odeon/loss.h"
#include "weight.h"

/* id, kind and, where it is no option, beta are what distinguishes one such loss from another: they
 * are set by its init. */
typedef struct difference {
    ODEON_INSTANCE;
    double weight, beta;
    const char *id; /* for messages */
    int32_t kind;   /* ODEON_DIFFERENCE_ */
    int32_t reserved0;
} difference;

extern const odeon_loss_ops difference_ops;

#endif
