#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"

static const char ini[] = "[run]\nworkers = 1\ndtype = float64\n"
                          "[data]\ndataset = idx(path=data, shape=1 1 3, classes=2)\n"
                          "[model.flat]\nlayer = flatten\n"
                          "[model.a]\nlayer = dense(units=3)\nthen = tanh, dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { N = 5, OUT = 2 };

static support_session open_with(const char *workers)
{
    const char *overrides[] = {workers, NULL};
    return support_session_open(ini, N, overrides);
}

/* A batch that is differentiated is not trained on, and gives its output back. */
static void test_differentiating_changes_no_parameter(void **state)
{
    (void)state;
    support_session s = open_with("run.workers=1");
    int64_t n;
    double output[N * OUT], *before = support_parameters(&s, &n);
    session_result result = support_differentiate(&s, output, NULL);
    double *after = support_parameters(&s, &n);
    assert_memory_equal(before, after, (size_t)n * sizeof *after);
    assert_true(isfinite(result.loss) && result.grad_norm > 0.0);
    assert_true(result.counted == N);
    mem_free(before);
    mem_free(after);
    support_session_close(&s);
}

/* Nothing in this network depends on the mode. */
static void test_a_prediction_is_the_output_of_the_batch(void **state)
{
    (void)state;
    support_session s = open_with("run.workers=2");
    double output[N * OUT], predicted[N * OUT];
    (void)support_differentiate(&s, output, NULL);
    session_samples samples = {.n = N};
    samples.given[ODEON_ROLE_INPUT] = s.x;
    support_require(session_predict(s.session, &samples, predicted, NULL), "predict");
    assert_memory_equal(output, predicted, sizeof output);
    support_session_close(&s);
}

/* A batch for session_repeat of the support's numbers. */
static session_batch batch_of(support_session *s, bool training)
{
    session_batch b = {.training = training, .n = N, .epoch = 1, .step = 1};
    (void)support_given(s);
    b.field[ODEON_ROLE_INPUT] = s->given[ODEON_ROLE_INPUT];
    b.field[ODEON_ROLE_LABEL] = s->given[ODEON_ROLE_LABEL];
    return b;
}

static void test_a_batch_is_repeated_in_its_mode(void **state)
{
    (void)state;
    support_session s = open_with("run.workers=1");
    session_result expected = support_differentiate(&s, NULL, NULL), result;
    int64_t n;
    double *before = support_parameters(&s, &n);
    for (int training = 0; training < 2; training++) {
        session_batch b = batch_of(&s, training != 0);
        support_require(session_repeat(s.session, &b, &result), "repeat");
        assert_true(result.loss == expected.loss);
        assert_true(training != 0 ? result.grad_norm == expected.grad_norm
                                  : isnan(result.grad_norm));
    }
    double *after = support_parameters(&s, &n);
    assert_memory_equal(before, after, (size_t)n * sizeof *after);
    mem_free(before);
    mem_free(after);
    support_session_close(&s);
}

/* Of eight workers three have no sample of five. Sums go in another order, hence the 1e-14. */
static void test_workers_without_a_sample_take_part(void **state)
{
    (void)state;
    support_session one = open_with("run.workers=1"), eight = open_with("run.workers=8");
    int64_t n;
    double d_x[2][N * 3];
    session_result a = support_differentiate(&one, NULL, d_x[0]);
    session_result b = support_differentiate(&eight, NULL, d_x[1]);
    double *g = support_gradients(&one, &n), *h = support_gradients(&eight, &n);
    assert_true(fabs(a.loss - b.loss) <= 1e-14 * fabs(a.loss));
    assert_true(support_distance(n, g, h) <= 1e-14);
    assert_true(support_distance(N * 3, d_x[0], d_x[1]) <= 1e-14);
    mem_free(g);
    mem_free(h);
    support_session_close(&one);
    support_session_close(&eight);
}

/* The message, the batch, and the parameters of before it. */
static void test_a_batch_that_fails_is_explained(void **state)
{
    (void)state;
    support_session s = open_with("run.workers=2");
    session_result result;
    s.x[4 * 3] = (double)NAN;
    session_batch b = batch_of(&s, true);
    diag_clear();
    assert_int_equal(session_repeat(s.session, &b, &result), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "; first sample whose output is not finite: 4 of the "
                                           "batch"));
    const session_batch *failed = session_failed_batch(s.session);
    assert_non_null(failed);
    assert_true(failed->training);
    assert_int_equal(failed->n, N);
    assert_memory_equal(failed->field[ODEON_ROLE_INPUT], s.x, N * 3 * sizeof *s.x);
    s.x[4 * 3] = 0.0;
    support_require(session_repeat(s.session, &b, &result), "repeat");
    assert_null(session_failed_batch(s.session));
    support_session_close(&s);
}

static void test_steps_of_a_block_that_is_not_there_are_refused(void **state)
{
    (void)state;
    support_session s = open_with("run.workers=1");
    diag_clear();
    assert_int_equal(session_write_steps(s.session, 0, "/nowhere"), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "there is no ODE block whose steps could be written");
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differentiating_changes_no_parameter),
        cmocka_unit_test(test_a_prediction_is_the_output_of_the_batch),
        cmocka_unit_test(test_a_batch_is_repeated_in_its_mode),
        cmocka_unit_test(test_workers_without_a_sample_take_part),
        cmocka_unit_test(test_a_batch_that_fails_is_explained),
        cmocka_unit_test(test_steps_of_a_block_that_is_not_there_are_refused),
    };
    return cmocka_run_group_tests_name("run_batch", tests, NULL, NULL);
}
