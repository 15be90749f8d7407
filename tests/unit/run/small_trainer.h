/* small_trainer.h: a run of training in a folder of its own, stopped at any moment that a test
 * likes: eight samples in batches of four, two epochs of two steps, a network with one ODE block.
 */
#ifndef ODEON_TESTS_UNIT_SMALL_TRAINER_H
#define ODEON_TESTS_UNIT_SMALL_TRAINER_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "run/train_checkpoints.h"
#include "run/train_length.h"
#include "run/trainer.h"
#include "run_fixture.h"
#include "support_session.h"

#define SMALL_TRAINING                                                                             \
    "[run]\nname = small\nworkers = 1\ndtype = float64\nepochs = 2\n"                              \
    "[data]\ndataset = drawn(shape=2, classes=2, length=8)\nbatch = 4\n"                           \
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = euler\ngradient = direct\n"                   \
    "[model.ode.f]\nlayer = dense(units=state)\nthen = tanh\n"                                     \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.1)\n"

enum { SMALL_SAMPLES = 8, SMALL_BATCH = 4, SMALL_STEPS = 4 };

typedef struct small_trainer {
    support_session s;
    data_source *train, *test;
    train_plan plan;
    trainer t;
    char *said; /* what progress has printed, after small_trainer_close */
    size_t said_bytes;
} small_trainer;

/* Sessions, splits and the run's folder runs/small/1 in the working directory, which the fixture
 * makes; the trainer as train_run begins with it. Overrides end with NULL. */
static inline void small_trainer_open(small_trainer *x, const char *const *overrides)
{
    *x = (small_trainer){.s = support_session_open(SMALL_TRAINING, SMALL_BATCH, overrides)};
    const config *c = x->s.config;
    support_require(data_open(c, ODEON_SPLIT_TRAIN, &x->train), "train");
    support_require(data_open(c, ODEON_SPLIT_TEST, &x->test), "test");
    x->plan = (train_plan){.train = x->train,
                           .test = x->test,
                           .dir = run_fixture_create(c),
                           .resume = "odeon train runs/small/1 --resume",
                           .progress = open_memstream(&x->said, &x->said_bytes)};
    batches b = train_batches(c, data_length(x->train));
    x->t = (trainer){.session = x->s.session,
                     .config = c,
                     .plan = &x->plan,
                     .used = batches_samples(&b),
                     .epoch_steps = batches_steps(&b),
                     .factor = 1.0,
                     .at = train_beginning(x->s.session, c, &x->plan, NULL),
                     .weights_step = -1,
                     .test_step = -1,
                     .validation_step = -1,
                     .started = clock_seconds(),
                     .saved_at = clock_seconds(),
                     .tested_at = clock_seconds(),
                     .reported_at = -(double)INFINITY,
                     .failures = {.session = x->s.session, .config = c, .dir = x->plan.dir}};
    x->t.total = x->t.at.total;
    x->t.epochs = 2;
    x->t.order = mem_zalloc((size_t)x->t.at.samples, sizeof *x->t.order);
    support_require(progress_create(x->plan.progress, 2, x->t.total, &x->t.progress), "progress");
    diag_clear();
}

static inline void small_trainer_close(small_trainer *x)
{
    progress_destroy(x->t.progress);
    mem_free(x->t.order);
    session_copy_fini(&x->t.best);
    session_result_fini(&x->t.first);
    session_result_fini(&x->t.last);
    session_result_fini(&x->t.tested);
    (void)fclose(x->plan.progress);
    free(x->said);
    support_require(run_dir_close(x->plan.dir), "close");
    data_close(x->train);
    data_close(x->test);
    support_session_close(&x->s);
}

/* The files of the run's folder. */
#define SMALL_FILE(name) "runs/small/1/" name

#endif
