/* How the steps of samples are spread, over workers and batches. */
#include "ode/counters.h"

#include "support.h"

static void test_a_spread_is_that_of_all(void **state)
{
    (void)state;
    char text[COUNTERS_TEXT_BYTES];
    ode_counters all = {.per_sample = true, .accepted = 60};
    const ode_counters none = {.per_sample = true},
                       some = {.per_sample = true, .samples = 3, .steps_min = 9, .steps_max = 12},
                       more = {.per_sample = true, .samples = 1, .steps_min = 30, .steps_max = 30};
    counters_add_spread(&all, &none);
    assert_string_equal(counters_spread_text(&all, text, sizeof text), "");
    assert_true(counters_steps_mean(&all) == 0.0);
    counters_add_spread(&all, &some);
    counters_add_spread(&all, &none);
    counters_add_spread(&all, &more);
    assert_int_equal(all.samples, 4);
    assert_string_equal(counters_spread_text(&all, text, sizeof text),
                        ", accepted of a sample 9 to 30, mean 15");
}

static void test_shared_steps_have_no_spread(void **state)
{
    (void)state;
    char text[COUNTERS_TEXT_BYTES] = "x";
    ode_counters all = {.accepted = 7};
    const ode_counters one = {.accepted = 7};
    counters_add_spread(&all, &one);
    assert_false(all.per_sample);
    assert_string_equal(counters_spread_text(&all, text, sizeof text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_spread_is_that_of_all),
        cmocka_unit_test(test_shared_steps_have_no_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
