/* difference.h: losses that are the mean of a function of output - label over all elements, any
 * shape; with a mask sum(mask * e) / sum(mask). Metric mae: the mean of |output - label|. */
#ifndef ODEON_LOSS_DIFFERENCE_H
#define ODEON_LOSS_DIFFERENCE_H
#include "odeon/host.h"
#include "odeon/loss.h"

/* What distinguishes one such loss from another. */
typedef struct difference_choice {
    const char *id; /* of the loss, for messages; must outlive it */
    int32_t kind;   /* ODEON_DIFFERENCE_ */
    double beta;
} difference_choice;

extern const odeon_option difference_option_weight;
extern const odeon_loss_ops difference_ops;

/* For the slots create and destroy; reads the option weight. */
odeon_status difference_create(const odeon_host *host, const odeon_config *config,
                               const difference_choice *choice, void **out);
void difference_destroy(void *self);

#endif
