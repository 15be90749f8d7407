/* train.h: the epochs of a run. */
#ifndef ODEON_CORE_TRAIN_H
#define ODEON_CORE_TRAIN_H
#include <stdio.h>

#include "session.h"

/* Trains for run.epochs or run.max_steps, whichever ends first, and evaluates test after each
 * epoch. The last batch of an epoch is as small as what is left. Into dir go rows of metrics (first
 * and last step, every run.log_every; one a test), weights.safetensors after each epoch and
 * weights-best.safetensors: the highest first metric of the loss over the test split, or the least
 * loss where the loss has no metric. Steps and epochs count from 1.
 *
 * Progress and, at the end, a summary go to out; its last lines are "test accuracy 0.8571" (of the
 * last weights) and "results in DIR".
 *
 * A signal noted by interrupt.h ends training after the batch: weights are saved and the answer is
 * ODEON_ERR_CANCELLED, whose message says where. After any other failure what was saved before
 * stays. */
odeon_status train_run(session *s, const config *c, const data_source *train,
                       const data_source *test, run_dir *dir, FILE *out);

#endif
