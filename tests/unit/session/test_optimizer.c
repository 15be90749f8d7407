#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "session/jobs.h"
#include "session/optimizer.h"

/* Of parameters of 6, 3, 6 and 2 elements. */
static const char ini[] = "[run]\nworkers = 1\ndtype = float64\n"
                          "[data]\ndataset = idx(path=data, shape=1 1 2, classes=2)\n"
                          "[model.flat]\nlayer = flatten\n"
                          "[model.a]\nlayer = dense(units=3)\nthen = tanh, dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.5)\n";

enum { N = 3 };

static void clip_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    w->status = optimizer_clip(w, 4.0);
}

/* Whose norm is said to be 4; in the second case there is no limit. */
static void test_a_gradient_is_scaled_to_the_limit(void **state)
{
    (void)state;
    static const char *const limits[] = {"train.clip_norm=1", "run.seed=1", "train.clip_norm=4"};
    static const double factors[] = {0.25, 1.0, 1.0};
    for (int i = 0; i < 3; i++) {
        const char *overrides[] = {limits[i], NULL};
        support_session s = support_session_open(ini, N, overrides);
        int64_t n;
        (void)support_differentiate(&s, NULL, NULL);
        double *before = support_gradients(&s, &n);
        support_require(session_run_job(s.session, clip_job, s.session), "clip");
        double *after = support_gradients(&s, &n);
        for (int64_t k = 0; k < n; k++) {
            assert_true(after[k] == factors[i] * before[k]); /* a power of two rounds nothing */
        }
        mem_free(before);
        mem_free(after);
        support_session_close(&s);
    }
}

static void update_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    batch b = {.mode = BATCH_TRAIN, .step = 1, .lr_factor = 0.5};
    w->status = optimizer_update(w, &b);
}

/* Each by one worker, whichever that is: values - 0.5 * 0.5 * gradient. */
static void test_every_parameter_is_updated_once(void **state)
{
    (void)state;
    static const char *const workers[] = {"run.workers=1", "run.workers=2", "run.workers=3",
                                          "run.workers=16"};
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {workers[i], NULL};
        support_session s = support_session_open(ini, N, overrides);
        int64_t n;
        (void)support_differentiate(&s, NULL, NULL);
        double *before = support_parameters(&s, &n), *gradient = support_gradients(&s, &n);
        support_require(session_run_job(s.session, update_job, s.session), "update");
        double *after = support_parameters(&s, &n);
        for (int64_t k = 0; k < n; k++) {
            assert_true(fabs(after[k] - (before[k] - 0.25 * gradient[k])) <= 1e-15);
            assert_true(after[k] != before[k] || gradient[k] == 0.0);
        }
        mem_free(before);
        mem_free(gradient);
        mem_free(after);
        support_session_close(&s);
    }
}

static void test_the_learning_rate_and_moments_are_the_plugins(void **state)
{
    (void)state;
    const char *overrides[] = {"train.optimizer=adam(lr=0.125)", NULL};
    support_session s = support_session_open(ini, N, overrides);
    const worker *w = &s.session->workers[0];
    assert_true(optimizer_learning_rate(w) == 0.125);
    assert_int_equal(w->model->n_moments, 2);
    assert_true(strcmp(optimizer_moment_name(w, 0), optimizer_moment_name(w, 1)) != 0);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gradient_is_scaled_to_the_limit),
        cmocka_unit_test(test_every_parameter_is_updated_once),
        cmocka_unit_test(test_the_learning_rate_and_moments_are_the_plugins),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
