/* train_test.h: the tests of a run: when they are due, and what becomes of them. */
#ifndef ODEON_CORE_RUN_TRAIN_TEST_H
#define ODEON_CORE_RUN_TRAIN_TEST_H
#include "run/trainer.h"

bool train_test_due(const trainer *t);
/* Evaluates the validation split, where there is one, and the test split, where there is none, at
 * the end of the run, or as run.eval_test asks: a row each, perhaps new best weights, perhaps a
 * line. */
odeon_status train_test(trainer *t);

#endif
