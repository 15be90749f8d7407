#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The definition: the fewest digits of %g that read back. */
static void expected_text(double value, char text[DECIMAL_TEXT_BYTES])
{
    int first = fabs(value) < 1e6 && value == trunc(value) ? 6 : 1;
    for (int precision = first; precision <= 17; precision++) {
        (void)snprintf(text, DECIMAL_TEXT_BYTES, "%.*g", precision, value);
        if (strtod(text, NULL) == value) {
            return;
        }
    }
}

/* Nothing may be written where nothing is promised. */
static bool assert_as_printf(double value)
{
    char text[DECIMAL_TEXT_BYTES] = "untouched", expected[DECIMAL_TEXT_BYTES];
    if (!decimal_print(value, text)) {
        assert_string_equal(text, "untouched");
        return false;
    }
    expected_text(value, expected);
    assert_string_equal(text, expected);
    return true;
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const double values[] = {0.0,       -0.0,     1.0,       -1.0,       7.0,
                                    10.0,      100000.0, 999999.0,  -65536.0,   1000000.0,
                                    1000001.0, 2e6,      1234567.0, 12345670.0, 123456789012345.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_true(assert_as_printf(values[i]));
    }
}

static void test_decimals_of_every_length(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 17; digits++) {
        for (int exponent = -9; exponent < 14; exponent++) {
            for (uint64_t i = 0; i < 20; i++) {
                char text[64];
                double drawn = 1.0 + 8.9 * fabs(support_random((uint64_t)digits, i));
                (void)snprintf(text, sizeof text, "%.*fe%d", digits - 1, drawn, exponent);
                (void)assert_as_printf(strtod(text, NULL));
                (void)assert_as_printf(-nextafter(strtod(text, NULL), (double)INFINITY));
            }
        }
    }
}

/* Of sums and times in double, and of numbers that were float32 before. */
static void test_numbers_of_any_size(void **state)
{
    (void)state;
    int covered = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double value = ldexp(support_random(3, i), (int)(i % 90) - 38);
        covered += assert_as_printf(value);
        covered += assert_as_printf((double)(float)value);
    }
    assert_true(covered > 30000);
}

/* Nines that carry into a place more; numbers next to powers of two and of ten. */
static void test_numbers_at_edges(void **state)
{
    (void)state;
    for (int exponent = -33; exponent < 50; exponent++) {
        double power = ldexp(1.0, exponent);
        (void)assert_as_printf(power);
        (void)assert_as_printf(nextafter(power, 0.0));
        (void)assert_as_printf(nextafter(power, (double)INFINITY));
    }
    for (int exponent = -10; exponent <= 15; exponent++) {
        double power = pow(10.0, exponent);
        (void)assert_as_printf(power);
        (void)assert_as_printf(nextafter(power, 0.0));
        (void)assert_as_printf(nextafter(power, (double)INFINITY));
        (void)assert_as_printf(9.9999999999999995 * power);
        (void)assert_as_printf(0.99999999999999989 * power);
    }
}

/* A tie of 15 or 16 digits is rounded to the even one. */
static void test_ties(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 200; i++) {
        (void)assert_as_printf(0.5 + (double)(INT64_C(1000000000000001) + i) / 4.0);
        (void)assert_as_printf((double)(INT64_C(4000000000000001) + 2 * i) / 8.0);
    }
}

static void test_powers_of_two_of_few_digits(void **state)
{
    (void)state;
    for (int exponent = -1; exponent >= -15; exponent--) {
        assert_true(assert_as_printf(ldexp(1.0, exponent)));
        assert_true(assert_as_printf(-ldexp(1.0, exponent)));
    }
    assert_true(assert_as_printf(0x1p30));
    assert_true(assert_as_printf(0x1p49));
}

static void test_what_is_left_to_printf(void **state)
{
    (void)state;
    static const double values[] = {0x1p-30, 1e-11,   DBL_MIN,     5e-324,          1e15,
                                    1e300,   DBL_MAX, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_false(assert_as_printf(values[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_decimals_of_every_length),
        cmocka_unit_test(test_numbers_of_any_size),
        cmocka_unit_test(test_numbers_at_edges),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_powers_of_two_of_few_digits),
        cmocka_unit_test(test_what_is_left_to_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
