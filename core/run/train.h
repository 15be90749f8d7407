/* train.h: the epochs of a run. */
#ifndef ODEON_CORE_RUN_TRAIN_H
#define ODEON_CORE_RUN_TRAIN_H
#include "config/config.h"
#include "run/train_plan.h"
#include "session/handle.h"

/* Trains for run.epochs or run.iterations, and evaluates test as run.eval_every says and at the
 * end. Into dir go rows of metrics (first and last step, every run.log_every; one a test),
 * weights.safetensors, weights-best.safetensors: those of the highest accuracy over the test split,
 * or of the least loss where no loss has such a metric; and checkpoints. All three are written at
 * the end of an epoch or after a test, when run.checkpoint_seconds have passed since they were,
 * within an epoch where batches are long, and where the run ends; the latter two every
 * run.checkpoint_every steps as well. Best weights are never of a later test than the newest
 * checkpoint, unless the process was killed as it wrote the one and not yet the other: then the run
 * comes to that test once more. Steps and epochs count from 1. A run that goes on from one of its
 * checkpoints ends with the same bits as one that was never interrupted; the best weights, too,
 * unless tests go by the clock. If it stands at its end, nothing is done. Where the length of the
 * run or, with plan->changed, the configuration makes the learning rate jump, a line says so; with
 * other batches what is left of the epoch is cut anew.
 *
 * Progress goes to plan->progress and, at the end, a summary to out; its last lines are "test
 * accuracy 0.8571" (the last metric, of the last weights), where a validation split has chosen
 * earlier weights those of the test with these, and "results in DIR".
 *
 * A signal noted by interrupt.h ends training after the batch, or the evaluation under way: weights
 * and a checkpoint are saved and the answer is ODEON_ERR_CANCELLED, whose message says where and
 * ends with plan->resume; the signals are then still caught (interrupt_release). Numerical failures
 * are met as failures.h says. After any failure the state of before the step that failed is saved
 * as well as it can: but after one of the device, or where memory runs out, the newest checkpoint,
 * or one of before the first step, which is written then, is where the run can go on, and the
 * message ends with plan->resume. */
odeon_status train_run(session *s, const config *c, const train_plan *plan, FILE *out);

#endif
