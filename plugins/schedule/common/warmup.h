/* warmup.h: what all schedules share: epochs at the beginning in which the learning rate rises. */
#ifndef ODEON_SCHEDULE_WARMUP_H
#define ODEON_SCHEDULE_WARMUP_H
#include "odeon/option.h"
#include "odeon/schedule.h"

extern const odeon_option warmup_option; /* a row for an option table */

/* 1 / n, 2 / n, ..., 1 in the n steps that so many epochs have; 1 ever after. */
double warmup_factor(double epochs, const odeon_position *position);

/* Remarks that the warm-up does not end within the run. */
void warmup_remark(double epochs, const odeon_position *position, char *text, uint64_t bytes);

#endif
