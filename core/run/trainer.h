/* trainer.h: a run of training while it goes: what train.c and the files train_*.c share. */
#ifndef ODEON_CORE_RUN_TRAINER_H
#define ODEON_CORE_RUN_TRAINER_H
#include "run/failures.h"
#include "run/progress.h"
#include "run/run_services.h"
#include "run/train_audit.h"
#include "run/train_plan.h"
#include "run/train_times.h"
#include "session/result.h"
#include "session/weights.h"

/* Epochs and steps count from 1. at is the state of the run between two steps: what a checkpoint
 * says, beside the tensors. saved_step and saved_tested are at.step and at.tested of the last
 * checkpoint, or of where the run began. */
typedef struct trainer {
    session *session;
    const config *config;
    const train_plan *plan;
    progress *progress;
    run_services services; /* of observers */

    int64_t *order;            /* [samples] of epoch ordered */
    int64_t ordered;           /* 0: of none yet */
    int64_t used, epoch_steps; /* samples and steps of an epoch */
    int64_t total, epochs;     /* steps of the run, epochs that it comes to */
    checkpoint at;

    int64_t saved_step, saved_tested;
    int64_t weights_step; /* of weights.safetensors; -1: not known */
    bool has_saved;       /* there is a checkpoint */
    bool torn;            /* the session may hold half of a step */
    session_copy best;    /* weights of at.best_step that are in no file yet */
    int64_t test_again;   /* a step that was tested before and is to be again; 0: none */

    double started, saved_at, tested_at, reported_at; /* by the clock; saved: with weights */
    double factor;                                    /* of the last step's learning rate */
    double batch_seconds;                             /* of the last step's training */
    double row_seconds;                               /* of training since the last row, */
    int64_t row_samples;                              /* and its samples */
    int64_t test_step;       /* that the test split was evaluated after last; -1: none */
    int64_t validation_step; /* likewise the validation split */
    bool stage_over;         /* the next step is of a phase that sets other keys */
    bool ends; /* the run ends before its last step: by run.stop_patience, run.max_time */
    session_result first, last;       /* of the first step, the last */
    session_result validated, tested; /* of the last evaluation of either split */
    train_audit *audit;               /* NULL: none */
    double gradient_error;            /* of the last audit, until a row has it; NAN: none */
    train_times times;
    failures failures;
} trainer;

#endif
