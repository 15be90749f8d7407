#include <math.h>

#include "support.h"

#include "run/statistics.h"

static void assert_text(const char *expected, size_t n, const double *values)
{
    char text[STATISTICS_TEXT_BYTES];
    statistics x = statistics_of(n, values);
    assert_string_equal(statistics_text(&x, text), expected);
}

static void test_mean_and_deviation_are_those_of_a_sample(void **state)
{
    (void)state;
    const double values[] = {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0};
    statistics x = statistics_of(8, values);
    assert_int_equal(x.n, 8);
    assert_true(x.mean == 5.0);
    assert_true(fabs(x.deviation - sqrt(32.0 / 7.0)) < 1e-15);
    /* a large mean does not swallow a small deviation */
    const double far[] = {1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0};
    assert_true(statistics_of(3, far).deviation == 1.0);
}

static void test_what_is_not_finite_is_left_out(void **state)
{
    (void)state;
    const double values[] = {1.0, (double)NAN, 3.0, (double)INFINITY};
    statistics x = statistics_of(4, values);
    assert_int_equal(x.n, 2);
    assert_true(x.mean == 2.0);
    x = statistics_of(1, values);
    assert_true(x.mean == 1.0 && isnan(x.deviation));
    x = statistics_of(1, values + 1);
    assert_true(x.n == 0 && isnan(x.mean));
}

static void test_a_deviation_has_two_digits_and_the_mean_as_many_places(void **state)
{
    (void)state;
    assert_text("-", 0, NULL);
    assert_text("0.123457", 1, (const double[]){0.1234567});
    assert_text("0.8700 \u00b1 0.0071", 2, (const double[]){0.865, 0.875});
    assert_text("0.5 \u00b1 0", 2, (const double[]){0.5, 0.5});
    assert_text("1.050 \u00b1 0.071", 2, (const double[]){1.0, 1.1});
    assert_text("100 \u00b1 14", 2, (const double[]){90.0, 110.0});
    assert_text("10000 \u00b1 1.4e+02", 2, (const double[]){9900.0, 10100.0});
    assert_text("-0.8700 \u00b1 0.0071", 2, (const double[]){-0.865, -0.875});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_and_deviation_are_those_of_a_sample),
        cmocka_unit_test(test_what_is_not_finite_is_left_out),
        cmocka_unit_test(test_a_deviation_has_two_digits_and_the_mean_as_many_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
