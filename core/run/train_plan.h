/* train_plan.h: what a run of training is made of, beside session and configuration. */
#ifndef ODEON_CORE_RUN_TRAIN_PLAN_H
#define ODEON_CORE_RUN_TRAIN_PLAN_H
#include <stdio.h>

#include "data/data.h"
#include "format/checkpoint.h"
#include "plugin/registry.h"
#include "run/live_page.h"
#include "run/run_dir.h"

typedef struct train_plan {
    const data_source *train, *test;
    const data_source *validation; /* chooses the best weights in place of test; NULL: none */
    run_dir *dir;
    const checkpoint
        *from;          /* where the session stands, of a run that goes on; NULL: at its start */
    const char *resume; /* the command that goes on with this run, for whoever interrupts it */
    registry *registry; /* for models to audit; NULL: none is */
    live_page *page;    /* that observers may have drawn; NULL: none */
    FILE *progress;     /* where lines may be redrawn in place; train_run's out leads there, too */
    int64_t train_data, test_data; /* data_fingerprint of both splits */
    bool *stage_over; /* set where the run has to go on with other keys; see config.stage */
    bool changed;     /* from is of another configuration or of other data, which is accepted */
} train_plan;

#endif
