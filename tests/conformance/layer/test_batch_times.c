/* times = batch: output at the times that the batch brings along, a trajectory of states learned
 * from its first one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

/* Samples of 4 states of 3 features at 4 times; the labels are of the same shape. */
static const char network[] = "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
                              "[data]\ndataset = measured(shape=4 3, label=4 3, times=4)\n"
                              "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
                              "initial = first\ntimes = batch\n"
                              "[model.ode.a]\nlayer = dense(units=5)\nthen = tanh\n"
                              "[model.ode.b]\nlayer = dense(units=state)\n"
                              "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 5, TIMES = 4 };

static const double uneven[TIMES] = {0.5, 0.75, 0.8, 2.0};

static support_session open_at(const double *times, const char *const *overrides)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    for (int i = 0; i < SAMPLES && times != NULL; i++) {
        memcpy(s.given[ODEON_ROLE_TIME] + i * TIMES, times, TIMES * sizeof *times);
    }
    return s;
}

static void test_batch_brings_the_times(void **state)
{
    (void)state;
    static const char *const listed[] = {"model.ode.times=0.5 0.75 0.8 2", NULL};
    support_session batch = open_at(uneven, NULL), list = open_at(NULL, listed);
    int64_t n;
    double loss = support_differentiate(&batch, NULL, NULL).loss;
    assert_true(loss == support_differentiate(&list, NULL, NULL).loss);
    double *a = support_gradients(&batch, &n), *b = support_gradients(&list, &n);
    assert_memory_equal(a, b, (size_t)n * sizeof *a);
    for (int i = 0; i < SAMPLES; i++) { /* the next batch brings others */
        batch.given[ODEON_ROLE_TIME][i * TIMES + 3] = 3.0;
    }
    assert_true(loss != support_differentiate(&batch, NULL, NULL).loss);
    mem_free(a);
    mem_free(b);
    support_session_close(&batch);
    support_session_close(&list);
}

static void test_gradient_is_exact_at_the_batchs_times(void **state)
{
    (void)state;
    static const char *const fixed[] = {"model.ode.steps=2", NULL};
    support_session s = open_at(uneven, fixed);
    double gap = support_gradient_gap(&s);
    print_message("distance to central differences %.2e\n", gap);
    assert_true(gap <= 1e-7);
    support_session_close(&s);
}

/* Two of seven workers have no sample, and know the times all the same. */
static void test_workers_share_the_times(void **state)
{
    (void)state;
    static const char *const gradients[] = {"model.ode.gradient=direct",
                                            "model.ode.gradient=adjoint"};
    for (int g = 0; g < 2; g++) {
        double loss[3];
        for (int k = 0; k < 3; k++) {
            static const char *const workers[] = {"run.workers=1", "run.workers=2",
                                                  "run.workers=7"};
            const char *overrides[] = {gradients[g], workers[k], NULL};
            support_session s = open_at(uneven, overrides);
            loss[k] = support_differentiate(&s, NULL, NULL).loss;
            support_session_close(&s);
        }
        assert_true(fabs(loss[1] - loss[0]) <= 1e-14 * loss[0]);
        assert_true(fabs(loss[2] - loss[0]) <= 1e-14 * loss[0]);
    }
}

static void check_refused(const double *times, int odd_sample, const char *message)
{
    static const char *const workers[] = {"run.workers=1", "run.workers=2", "run.workers=7"};
    for (int k = 0; k < 3; k++) {
        const char *overrides[] = {workers[k], NULL};
        support_session s = open_at(times, overrides);
        session_result result;
        if (odd_sample >= 0) {
            s.given[ODEON_ROLE_TIME][odd_sample * TIMES + 1] += 0.01;
        }
        assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_DATA);
        if (strstr(diag_message(), message) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), message);
        }
        diag_clear();
        support_session_close(&s);
    }
}

static void test_times_that_differ_are_refused(void **state)
{
    (void)state;
    check_refused(uneven, 1, "ode");
    check_refused(uneven, SAMPLES - 1, "ode");
}

static void test_times_that_turn_are_refused(void **state)
{
    (void)state;
    static const double turn[TIMES] = {0.0, 1.0, 0.5, 2.0}, still[TIMES] = {0.0, 0.0, 1.0, 2.0};
    check_refused(turn, -1, "number 2 is 1 and number 3 is 0.5");
    check_refused(still, -1, "number 1 is 0 and number 2 is 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_brings_the_times),
        cmocka_unit_test(test_gradient_is_exact_at_the_batchs_times),
        cmocka_unit_test(test_workers_share_the_times),
        cmocka_unit_test(test_times_that_differ_are_refused),
        cmocka_unit_test(test_times_that_turn_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
