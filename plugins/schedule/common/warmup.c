#include "warmup.h"

#include <stdio.h>

const odeon_option warmup_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "warmup",
    .aliases = "warmupepochs|warmupsteps|nwarmup",
    .default_text = "0",
    .min_text = "0",
    .unit = "epochs",
    .help = "in which the learning rate rises to its full value, step by step",
};

/* Counted in steps rather than epochs, so that a warm-up of less than an epoch works. */
double warmup_factor(double epochs, const odeon_position *position)
{
    double steps = epochs * (double)position->steps_an_epoch;
    return (double)position->step < steps ? (double)position->step / steps : 1.0;
}

void warmup_remark(double epochs, const odeon_position *position, char *text, uint64_t bytes)
{
    if (epochs > position->epochs) {
        (void)snprintf(
            text, bytes,
            "warmup: its %g epochs are more than the run has, %g: the learning rate does "
            "not reach its full value",
            epochs, position->epochs);
    }
}
