/* adam.h: the common part of Adam and AdamW, which differ only in where the weight decay is
 * applied. */
#ifndef ODEON_OPTIMIZER_ADAM_H
#define ODEON_OPTIMIZER_ADAM_H
#include "odeon/host.h"
#include "odeon/optimizer.h"

/* The options lr, beta1, beta2 and epsilon for an option table, to which the plugin adds
 * weight_decay. */
extern const odeon_option adam_option_lr, adam_option_beta1, adam_option_beta2, adam_option_epsilon;

extern const odeon_optimizer_ops adam_ops;

/* For the slots create and destroy. decoupled 0: the decay is added to the gradient (Adam); 1: it
 * shrinks the parameter directly (AdamW). */
odeon_status adam_create(const odeon_host *host, const odeon_config *config, int32_t decoupled,
                         void **out);
void adam_destroy(void *self);

#endif
