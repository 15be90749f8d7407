#include "warmup.h"

#include <math.h>
#include <stdio.h>

/* Counted in steps rather than epochs, so that a warm-up of less than an epoch works. */
double warmup_factor(double epochs, const odeon_position *position)
{
    if (ODEON_MUST_UNDERSTAND(position->flags, 0) != 0) {
        return (double)NAN;
    }
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
