#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"

#define MODEL                                                                                      \
    "[run]\nworkers = 2\ndtype = float64\n"                                                        \
    "[data]\ndataset = spheres(dim=2)\n"                                                           \
    "[model.a]\nlayer = dense(units=3)\nthen = tanh\n"                                             \
    "[model.head]\nlayer = dense(units=1)\n"                                                       \
    "[train]\noptimizer = sgd(lr=0.5)\n"

enum { N = 4 };

static void test_an_output_of_another_shape_is_refused(void **state)
{
    (void)state;
    support_session s;
    const char *overrides[] = {"model.head.units=2", NULL};
    assert_int_equal(support_session_try(MODEL "loss = mse\n", N, overrides, &s), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(),
                        "train.loss: the network makes [2] of a sample, but the data set's labels "
                        "are [1]: end the model with that shape");
}

/* What several losses come to is their sum, and each has its column. */
static void test_several_losses_add_up(void **state)
{
    (void)state;
    support_session one = support_session_open(MODEL "loss = l1\n", N, NULL);
    support_session other = support_session_open(MODEL "loss = mse\n", N, NULL);
    support_session both = support_session_open(MODEL "loss = l1, mse\n", N, NULL);
    double a = support_differentiate(&one, NULL, NULL).loss;
    double b = support_differentiate(&other, NULL, NULL).loss;
    session_result sum = support_differentiate(&both, NULL, NULL);
    const char *const *names = session_metric_names(both.session);
    assert_string_equal(names[0], "loss_l1");
    assert_string_equal(names[1], "loss_mse");
    assert_true(sum.metrics[0] == a && sum.metrics[1] == b);
    assert_true(fabs(sum.loss - (a + b)) <= 1e-15 * sum.loss);
    assert_true(session_headline(both.session) != 0 && session_headline(both.session) != 1);
    support_session_close(&one);
    support_session_close(&other);
    support_session_close(&both);
}

/* Also of the output's second loss, which is added to that of the first. */
static void test_the_gradient_is_that_of_the_sum(void **state)
{
    (void)state;
    support_session s = support_session_open(MODEL "loss = mse, smooth_l1\n", N, NULL);
    assert_true(support_gradient_gap(&s) < 1e-7); /* central differences, as measured elsewhere */
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_output_of_another_shape_is_refused),
        cmocka_unit_test(test_several_losses_add_up),
        cmocka_unit_test(test_the_gradient_is_that_of_the_sum),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
