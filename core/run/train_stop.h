/* train_stop.h: the ends of a run before its last step: run.stop_patience and run.max_time. */
#ifndef ODEON_CORE_RUN_TRAIN_STOP_H
#define ODEON_CORE_RUN_TRAIN_STOP_H
#include "run/trainer.h"

/* ODEON_ERR_CONFIG where the run is to end by a validation split that there is not. */
odeon_status train_stop_check(const config *c, bool validates);
/* Is it time to end? By patience only after an evaluation, by the clock after any step. */
bool train_stop_due(const trainer *t);
/* Makes the step that was made last the run's last, if it is time. */
void train_stop_if_due(trainer *t);
/* Has the run that plan goes on with ended by itself, and is there no reason to go on? */
bool train_stop_was(const trainer *t);
/* A line that says why the run has ended before its last step, if it has. */
void train_stop_print(const trainer *t, FILE *out);

#endif
