/* Coefficients as text: what they are worth to the bit, and what is no such text. */
#include "solver/scalar_text.h"

#include <math.h>
#include <string.h>

#include "support.h"

enum { H = 1, H_PREV = 2, WORK = 16, ROOM = 64 };
static const scalar_names names = {.h = H, .h_prev = H_PREV, .x = -1, .work = WORK, .written = 5};

static double value(const char *text)
{
    double scalars[WORK + 8] = {[H] = 0.1, [H_PREV] = 0.07, [WORK] = 3.0, [WORK + 2] = -0.5};
    scalar_op code[ROOM];
    char fault[SCALAR_FAULT_BYTES];
    int32_t n = scalar_text_compile(text, &names, code, ROOM, fault);
    if (n == 0) {
        fail_msg("'%s': %s", text, fault);
    }
    return scalar_text_run(code, n, scalars);
}

static void check(const char *text, double expected)
{
    double found = value(text);
    if (memcmp(&found, &expected, sizeof found) != 0) {
        fail_msg("'%s' is %.17g, not %.17g", text, found, expected);
    }
}

static void test_values_are_those_of_the_operations_in_order(void **state)
{
    (void)state;
    volatile double h = 0.1, last = 0.07, w = h / last, x = 1.0 + w;
    check("1", 1.0);
    check("  2.5e-1 ", 0.25);
    check("h", h);
    check("h_prev", last);
    check("w", w);
    check("s0 - s2", 3.5);
    check("1 - 2 - 3", -4.0);
    check("2 / 4 / 8", 2.0 / 4.0 / 8.0);
    check("1 + 2 * 3", 7.0);
    check("(1 + 2) * 3", 9.0);
    check("-2^2", -4.0);
    check("(-2)^3", -8.0);
    check("2 * -h", 2.0 * -h);
    check("--h", h);
    check("h^0", 1.0);
    check("w^3", w * w * w);
    check("(1 + w)^2 / (1 + 2*w)", x * x / (1.0 + 2.0 * w));
    check("h*(1+w)/(1+2*w)", h * (1.0 + w) / (1.0 + 2.0 * w));
    check("sqrt(2)", sqrt(2.0));
    check("abs(s2)", 0.5);
    check("sqrt(abs(-w))", sqrt(w));
}

static void check_refused(const char *text, const char *what)
{
    scalar_op code[ROOM];
    char fault[SCALAR_FAULT_BYTES];
    assert_int_equal(scalar_text_compile(text, &names, code, ROOM, fault), 0);
    if (strstr(fault, what) == NULL) {
        fail_msg("'%s': '%s' does not say '%s'", text != NULL ? text : "NULL", fault, what);
    }
}

static void test_other_texts_are_refused_where_they_go_wrong(void **state)
{
    (void)state;
    char longer[400], deep[200];
    memset(longer, '1', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    check_refused(NULL, "no text");
    check_refused(longer, "more than 240 characters");
    check_refused(deep, "nested too deep");
    check_refused("", "expected a number, a name or ( at character 1");
    check_refused("1 +", "expected a number, a name or ( at character 4");
    check_refused("(1", "expected ) at character 3");
    check_refused("sqrt 2", "expected ( at character 6");
    check_refused("1 2", "nothing may follow at character 3");
    check_refused("exp(h)", "an unknown name");
    check_refused("hh", "an unknown name");
    check_refused("inf", "an unknown name");
    check_refused("0x10", "nothing may follow");
    check_refused("1e999", "no number");
    check_refused("1.2.3", "no number");
    check_refused("h^9", "an exponent is a digit from 0 to 8");
    check_refused("h^w", "an exponent is a digit from 0 to 8");
    check_refused("h^2.5", "an exponent is a digit from 0 to 8");
    check_refused("h^-1", "an exponent is a digit from 0 to 8");
    check_refused("s1", "a scalar that is not written yet");
    check_refused("s99", "a scalar that is not written yet");
    check_refused("t", "an unknown name");
    check_refused("x", "an unknown name");
}

static void test_without_a_step_before_there_is_no_ratio(void **state)
{
    (void)state;
    scalar_names first = names;
    scalar_op code[ROOM];
    char fault[SCALAR_FAULT_BYTES];
    first.h_prev = -1;
    assert_int_equal(scalar_text_compile("1 + w", &first, code, ROOM, fault), 0);
    assert_non_null(strstr(fault, "there is no step before"));
    assert_int_equal(scalar_text_compile("h_prev", &first, code, ROOM, fault), 0);
    assert_int_equal(scalar_text_compile("2*h", &first, code, ROOM, fault), 3);
}

/* However little room there is, nothing is written behind it. */
static void test_room_is_kept_to(void **state)
{
    (void)state;
    scalar_op code[4];
    char fault[SCALAR_FAULT_BYTES];
    for (int32_t room = 0; room < 3; room++) {
        memset(code, 0x5a, sizeof code);
        assert_int_equal(scalar_text_compile("1 + h", &names, code, room, fault), 0);
        assert_non_null(strstr(fault, "too many operations"));
        const unsigned char *behind = (const unsigned char *)(code + room);
        assert_int_equal(behind[0], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_those_of_the_operations_in_order),
        cmocka_unit_test(test_other_texts_are_refused_where_they_go_wrong),
        cmocka_unit_test(test_without_a_step_before_there_is_no_ratio),
        cmocka_unit_test(test_room_is_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
