/* train.h: the epochs of a run. */
#ifndef ODEON_CORE_RUN_TRAIN_H
#define ODEON_CORE_RUN_TRAIN_H
#include <stdio.h>

#include "data/data.h"
#include "format/checkpoint.h"
#include "run/run_dir.h"
#include "session/handle.h"

typedef struct train_plan {
    const data_source *train, *test;
    run_dir *dir;
    const checkpoint
        *from;          /* where the session stands, of a run that goes on; NULL: at its start */
    const char *resume; /* the command that goes on with this run, for whoever interrupts it */
    FILE *progress;     /* where lines may be redrawn in place; train_run's out leads there, too */
    int64_t train_data, test_data; /* data_fingerprint of both splits */
    bool changed; /* from is of another configuration or of other data, which is accepted */
} train_plan;

/* Optimizer steps of a whole run over so many samples an epoch, that goes on from a checkpoint or,
 * with NULL, does not. */
int64_t train_steps(const config *c, int64_t samples, const checkpoint *from);

int64_t train_steps_an_epoch(const config *c, int64_t samples);

/* ODEON_ERR_CONFIG where a batch of the run would be smaller than a layer takes: any, or the last
 * of an epoch of so many samples (0: not known, and not asked). */
odeon_status train_check_batches(const session *s, const config *c, int64_t samples);

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
 * accuracy 0.8571" (the last metric, of the last weights) and "results in DIR".
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
