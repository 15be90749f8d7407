/* Numbers from text and to text, in every locale. */
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

static void test_whole_numbers_reach_the_ends_of_their_type(void **state)
{
    (void)state;
    int64_t n = 7;
    assert_int_equal(number_parse_i64("-9223372036854775808", &n), NUMBER_OK);
    assert_true(n == INT64_MIN);
    assert_int_equal(number_parse_i64("9223372036854775807", &n), NUMBER_OK);
    assert_true(n == INT64_MAX);
    assert_int_equal(number_parse_i64("9223372036854775808", &n), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_i64("-9223372036854775809", &n), NUMBER_OVERFLOW);
    assert_true(n == INT64_MAX); /* is left alone */
}

static void test_what_is_no_whole_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "-",   "+1",  " 1",    "1 ", "1.0", "1e3",
                                      "0x10", "--1", "1,0", "1_000", "7x", "one"};
    int64_t n;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(number_parse_i64(bad[i], &n), NUMBER_SYNTAX);
    }
}

static void test_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1.0},     {"-.5", -0.5},    {"+2.", 2.0},
                {"1e-3", 1e-3}, {"0.1E+2", 10.0}, {"0e9", 0.0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value;
        assert_int_equal(number_parse_f64(good[i].text, &value), NUMBER_OK);
        assert_true(value == good[i].value);
    }
}

static void test_what_is_no_fraction(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      ".",  "e3", "1e",  "1e+",   "inf",  "nan",
                                      "0x1p3", " 1", "1 ", "1,5", "1.2.3", "1.5f", "--1"};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(number_parse_f64(bad[i], &value), NUMBER_SYNTAX);
    }
}

static void test_fractions_that_no_double_holds(void **state)
{
    (void)state;
    double value;
    assert_int_equal(number_parse_f64("1e309", &value), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_f64("-1e309", &value), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_f64("1e-400", &value), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_f64("5e-324", &value), NUMBER_OK); /* subnormal, but not zero */
    assert_true(value > 0.0);
}

static void test_text_is_the_shortest_that_reads_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{10.0, "10"},         {0.1, "0.1"},    {-0.0, "-0"},
                 {123456.0, "123456"}, {1e22, "1e+22"}, {1.0 / 3.0, "0.3333333333333333"}};
    char text[NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        number_print_f64(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_every_text_reads_back(void **state)
{
    (void)state;
    char text[NUMBER_TEXT_BYTES];
    for (uint64_t i = 0; i < 2000; i++) {
        double value = ldexp(support_random(1, i), (int)(i % 2000) - 1000), again;
        number_print_f64(value, text);
        assert_int_equal(number_parse_f64(text, &again), NUMBER_OK);
        assert_true(again == value);
    }
    number_print_f64(-DBL_MAX, text);
    assert_string_equal(text, "-1.7976931348623157e+308");
}

static void test_nan_has_no_sign(void **state)
{
    (void)state;
    char text[NUMBER_TEXT_BYTES];
    number_print_f64(copysign((double)NAN, -1.0), text);
    assert_string_equal(text, "nan");
    assert_true(number_plain(-0.5) == -0.5);
}

/* Skipped where no locale with a decimal comma is installed. */
static void test_numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        support_not_covered("numbers where the decimal point is a comma (no locale de_DE.UTF-8)");
    }
    char text[NUMBER_TEXT_BYTES];
    double x = 0.0;
    int fault = number_parse_f64("1.5", &x);
    number_print_f64(2.5, text);
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(fault, NUMBER_OK);
    assert_true(x == 1.5);
    assert_string_equal(text, "2.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_reach_the_ends_of_their_type),
        cmocka_unit_test(test_what_is_no_whole_number),
        cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_what_is_no_fraction),
        cmocka_unit_test(test_fractions_that_no_double_holds),
        cmocka_unit_test(test_text_is_the_shortest_that_reads_back),
        cmocka_unit_test(test_every_text_reads_back),
        cmocka_unit_test(test_nan_has_no_sign),
        cmocka_unit_test(test_numbers_do_not_depend_on_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
