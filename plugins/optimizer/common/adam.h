/* adam.h: what the optimizers of Adam's family share: all but where the weight decay goes. */
#ifndef ODEON_OPTIMIZER_ADAM_H
#define ODEON_OPTIMIZER_ADAM_H
#include "odeon/host.h"
#include "odeon/optimizer.h"

/* lr, beta1, beta2, epsilon: rows for an option table, to which weight_decay is added. */
extern const odeon_option adam_option_lr, adam_option_beta1, adam_option_beta2, adam_option_epsilon;

extern const odeon_optimizer_ops adam_ops;

/* For the slots create and destroy. decoupled 0: the decay is added to the gradient; 1: it shrinks
 * the parameter itself. */
odeon_status adam_create(const odeon_host *host, const odeon_config *config, int32_t decoupled,
                         void **out);
void adam_destroy(void *self);

#endif
