/* train_best.h: the weights of a run's best test, in weights-best.safetensors. */
#ifndef ODEON_CORE_RUN_TRAIN_BEST_H
#define ODEON_CORE_RUN_TRAIN_BEST_H
#include "run/trainer.h"

/* After a test: takes its weights if it is the best so far. */
odeon_status train_best_take(trainer *t);
/* Writes what was taken and is in no file yet. */
odeon_status train_best_save(trainer *t);
/* The step that the file is of; 0 without one, or where tests do not go by the clock. */
int64_t train_best_step(const trainer *t);
/* Of a run that has ended: evaluates the test split with the best weights, if they are of an
 * earlier step and a validation split has chosen them, and prints what comes of it. The session has
 * these weights then. */
odeon_status train_best_test(trainer *t, FILE *out);
/* A line about the best test, if the last one is not the best. */
void train_best_print(const trainer *t, FILE *out);

#endif
