/* warmup.h: the warm-up that all schedules offer: initial epochs in which the learning rate rises
 * linearly. */
#ifndef ODEON_SCHEDULE_WARMUP_H
#define ODEON_SCHEDULE_WARMUP_H
#include "odeon/option.h"
#include "odeon/schedule.h"

extern const odeon_option warmup_option; /* a row for an option table */

/* The factor 1/n, 2/n, ..., 1 in the n steps of the warm-up, then 1. */
double warmup_factor(double epochs, const odeon_position *position);

/* Writes a remark to text if the warm-up does not end within the run. */
void warmup_remark(double epochs, const odeon_position *position, char *text, uint64_t bytes);

#endif
