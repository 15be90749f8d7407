/* train_step.h: a run's next optimizer step. */
#ifndef ODEON_CORE_RUN_TRAIN_STEP_H
#define ODEON_CORE_RUN_TRAIN_STEP_H
#include "run/trainer.h"

/* Trains on the batch after the last one, of this epoch or the next. A step that fails numerically
 * is skipped where run.on_failure says so. On failure at stands where it stood, unless the step was
 * made. */
odeon_status train_next_step(trainer *t);

#endif
