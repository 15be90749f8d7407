/* warmup.h: the warm-up that all schedules offer: initial epochs in which the learning rate rises
 * linearly. */
#ifndef ODEON_SCHEDULE_WARMUP_H
#define ODEON_SCHEDULE_WARMUP_H
#include "odeon/option.h"
#include "odeon/schedule.h"

/* The option, written into the field `double warmup` of the instance. */
#define WARMUP_OPTION(type)                                                                        \
    ODEON_OPTION(type, warmup, F64, .aliases = "warmupepochs|warmupsteps|nwarmup",                 \
                 .default_text = "0", .min_text = "0", .unit = "epochs",                           \
                 .help = "in which the learning rate rises to its full value, step by step")

/* The factor 1/n, 2/n, ..., 1 in the n steps of the warm-up, then 1. */
double warmup_factor(double epochs, const odeon_position *position);

/* Writes a remark to text if the warm-up does not end within the run. */
void warmup_remark(double epochs, const odeon_position *position, char *text, uint64_t bytes);

#endif
