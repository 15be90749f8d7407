/* small_session.h: configurations of networks so small that a test of the session is over in
 * milliseconds, and how a test gets work onto the session's workers. */
#ifndef ODEON_TESTS_UNIT_SMALL_SESSION_H
#define ODEON_TESTS_UNIT_SMALL_SESSION_H
#include "session/jobs.h"
#include "support_session.h"

/* Two dense layers, [n, 3] to two classes, without files: 3 x 3, 3, 3 x 2 and 2 parameters. */
#define SMALL_CLASSES                                                                              \
    "[run]\nworkers = 2\ndtype = float64\n"                                                        \
    "[data]\ndataset = drawn(shape=3, classes=2, length=8)\n"                                      \
    "[model.a]\nlayer = dense(units=3)\nthen = tanh\n"                                             \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.1)\n"

/* The same with running state behind the first layer: that of batchnorm, 3 + 3 numbers. */
#define SMALL_STATE                                                                                \
    "[run]\nworkers = 2\ndtype = float64\n"                                                        \
    "[data]\ndataset = drawn(shape=3, classes=2, length=8)\n"                                      \
    "[model.a]\nlayer = dense(units=3)\n"                                                          \
    "[model.norm]\nlayer = batchnorm\n"                                                            \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

/* An ODE block of two fixed steps over [n, 2], then two numbers to predict; with times and masks
 * among the data set's fields. */
#define SMALL_FLOW                                                                                 \
    "[run]\nworkers = 2\ndtype = float64\n"                                                        \
    "[data]\ndataset = measured(shape=2, label=2, times=3, mask=some, length=8)\n"                 \
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = euler\ngradient = direct\n"                   \
    "[model.ode.f]\nlayer = dense(units=state)\n"                                                  \
    "[model.head]\nlayer = dense(units=2)\n"                                                       \
    "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

/* An ODE block of two steps of two stages each, whose parameters' gradients all workers hold. */
#define SMALL_ADJOINT                                                                              \
    "[run]\nworkers = 2\ndtype = float64\n"                                                        \
    "[data]\ndataset = drawn(shape=3, classes=2, length=8)\n"                                      \
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = midpoint\ngradient = adjoint(norm=full)\n"    \
    "[model.ode.f]\nlayer = dense(units=state)\nthen = tanh\n"                                     \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

/* What a job for session_run_job does on one worker; its answer becomes the worker's status. */
typedef odeon_status (*small_work)(worker *w, void *context);

typedef struct small_job {
    session *session;
    small_work work;
    void *context;
} small_job;

static inline void small_job_main(void *context, int32_t rank)
{
    const small_job *job = context;
    worker *w = &job->session->workers[rank];
    w->message[0] = '\0';
    w->status = job->work(w, job->context);
}

/* Does work on every worker's own thread. */
static inline odeon_status small_run(session *s, small_work work, void *context)
{
    small_job job = {.session = s, .work = work, .context = context};
    return session_run_job(s, small_job_main, &job);
}

#endif
