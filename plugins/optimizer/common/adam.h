/* adam.h: the common part of Adam and AdamW, which differ only in where the weight decay is
 * applied. */
#ifndef ODEON_OPTIMIZER_ADAM_H
#define ODEON_OPTIMIZER_ADAM_H
#include "odeon/host.h"
#include "odeon/optimizer.h"

/* Holds constants only; moments belong to the host, which saves them in checkpoints. */
typedef struct adam {
    ODEON_INSTANCE;
    double lr; /* before the schedule */
    double beta1, beta2, epsilon, weight_decay;
    int32_t decoupled; /* 0: the decay is added to the gradient (Adam); 1: it shrinks the parameter
                          directly (AdamW) */
    int32_t reserved0;
} adam;

/* The options lr, beta1, beta2 and epsilon, to which the plugin adds weight_decay. */
#define ADAM_OPTIONS                                                                               \
    ODEON_OPTION(adam, lr, F64, .aliases = "learningrate|eta|stepsize|alpha",                      \
                 .default_text = "1e-3", .min_text = "0", .help = "learning rate"),                \
        ODEON_OPTION(adam, beta1, F64, .flags = ODEON_OPTION_OPEN_MAX, .aliases = "b1|betas",      \
                     .default_text = "0.9", .min_text = "0", .max_text = "1",                      \
                     .help = "decay of the mean of gradients"),                                    \
        ODEON_OPTION(adam, beta2, F64, .flags = ODEON_OPTION_OPEN_MAX, .aliases = "b2|betas",      \
                     .default_text = "0.999", .min_text = "0", .max_text = "1",                    \
                     .help = "decay of the mean of squared gradients"),                            \
        ODEON_OPTION(adam, epsilon, F64, .aliases = "eps", .default_text = "1e-8",                 \
                     .min_text = "0", .help = "added to the root of the mean square")

extern const odeon_optimizer_ops adam_ops;

#endif
