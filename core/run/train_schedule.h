/* train_schedule.h: the learning rate of a run's steps. */
#ifndef ODEON_CORE_RUN_TRAIN_SCHEDULE_H
#define ODEON_CORE_RUN_TRAIN_SCHEDULE_H
#include "run/trainer.h"

/* Sets the factor of step at.step, and brings the keys that follow a schedule to their values in
 * it.
 */
odeon_status train_schedule_step(trainer *t);

/* Prints a line where the learning rate of a run that goes on jumps: a schedule that follows from
 * the length of the run is another one where the run is made longer, and so it may be where the
 * configuration is another. */
odeon_status train_schedule_report_jump(const trainer *t, FILE *out);

#endif
