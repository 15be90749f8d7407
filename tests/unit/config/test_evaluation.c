/* run.eval_every: a number and a unit, and the normal form of both. */
#include "config/evaluation.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static odeon_status read(config *c, option_value *value, const char *text)
{
    *c = (config){.eval_unit = -1};
    *value = (option_value){
        .text = mem_strdup(text), .where = {.file = "f.ini", .line = 2}, .set = true};
    diag_clear();
    return evaluation_read(c, value);
}

static void check(const char *text, int32_t unit, int64_t every, double seconds, const char *normal)
{
    config c;
    option_value value;
    assert_int_equal(read(&c, &value, text), ODEON_OK);
    assert_int_equal(c.eval_unit, unit);
    assert_int_equal(c.eval_every, every);
    assert_true(c.eval_seconds == seconds);
    assert_string_equal(value.text, normal);
    mem_free(value.text);
}

static void test_numbers_and_units_are_read(void **state)
{
    (void)state;
    check("10 epochs", CONFIG_EPOCHS, 10, 0.0, "10 epochs");
    check("1 epoch", CONFIG_EPOCHS, 1, 0.0, "1 epoch");
    check("500 steps", CONFIG_STEPS, 500, 0.0, "500 steps");
    check("1 step", CONFIG_STEPS, 1, 0.0, "1 step");
    check("2.5 seconds", CONFIG_SECONDS, 0, 2.5, "2.5 seconds");
    check("9223372036854775807 steps", CONFIG_STEPS, INT64_MAX, 0.0, "9223372036854775807 steps");
}

/* Either number goes with either form of the unit; the normal form has the right one. */
static void test_normal_form_agrees_in_number_and_blanks(void **state)
{
    (void)state;
    check("1 epochs", CONFIG_EPOCHS, 1, 0.0, "1 epoch");
    check("3 \t step", CONFIG_STEPS, 3, 0.0, "3 steps");
    check("1.0 second", CONFIG_SECONDS, 0, 1.0, "1.0 seconds");
}

static void test_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "10",
                                        "epochs",
                                        "10 hours",
                                        "10 epochss",
                                        "10 epo",
                                        "10epochs",
                                        "0 epochs",
                                        "-1 steps",
                                        "1.5 epochs",
                                        "0 seconds",
                                        "nan seconds",
                                        "x steps",
                                        "9223372036854775808 steps",
                                        "10 epochs more"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        config c;
        option_value value;
        char expected[256];
        assert_int_equal(read(&c, &value, texts[i]), ODEON_ERR_CONFIG);
        (void)snprintf(expected, sizeof expected,
                       "f.ini:2: [run] eval_every = %s: give a number of epochs, steps or seconds, "
                       "such as 10 epochs, 500 steps or 25 seconds",
                       texts[i]);
        assert_string_equal(diag_message(), expected);
        assert_string_equal(value.text, texts[i]); /* as typed */
        mem_free(value.text);
    }
}

/* Of keys without seconds. */
static void test_counts_are_of_epochs_or_steps(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal; /* normal NULL: refused */
        config_count count;
    } cases[] = {{"20 epoch", "20 epochs", {.unit = CONFIG_EPOCHS, .every = 20}},
                 {"1 steps", "1 step", {.unit = CONFIG_STEPS, .every = 1}},
                 {"5 seconds", NULL, {0}},
                 {"0 steps", NULL, {0}},
                 {"7", NULL, {0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        option_value value = {
            .text = mem_strdup(cases[i].text), .where = {.file = "f.ini", .line = 2}, .set = true};
        config_count count;
        diag_clear();
        odeon_status status = evaluation_read_count("run", "stop_patience", &value, &count);
        assert_int_equal(status, cases[i].normal != NULL ? ODEON_OK : ODEON_ERR_CONFIG);
        if (cases[i].normal != NULL) {
            assert_string_equal(value.text, cases[i].normal);
            assert_int_equal(count.unit, cases[i].count.unit);
            assert_int_equal(count.every, cases[i].count.every);
        } else {
            assert_non_null(strstr(diag_message(), "f.ini:2: [run] stop_patience = "));
            assert_non_null(strstr(diag_message(), "give a number of epochs or steps"));
        }
        mem_free(value.text);
    }
    option_value none = {.set = false};
    config_count count = {.every = 3};
    assert_int_equal(evaluation_read_count("run", "stop_patience", &none, &count), ODEON_OK);
    assert_int_equal(count.every, 0);
}

/* More digits than any number has do not fit where they are parsed. */
static void test_number_that_is_too_long_is_refused(void **state)
{
    (void)state;
    config c;
    option_value value;
    char text[400];
    memset(text, '0', sizeof text);
    memcpy(text + 390, "1 steps", 8);
    assert_int_equal(read(&c, &value, text), ODEON_ERR_CONFIG);
    mem_free(value.text);
}

static void test_allocation_that_fails_is_reported(void **state)
{
    (void)state;
    config c = {.eval_unit = -1};
    option_value value = {.text = mem_strdup("2 step")};
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(evaluation_read(&c, &value), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "out of memory for run.eval_every");
    diag_clear();
    assert_string_equal(value.text, "2 step");
    mem_free(value.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_units_are_read),
        cmocka_unit_test(test_normal_form_agrees_in_number_and_blanks),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_counts_are_of_epochs_or_steps),
        cmocka_unit_test(test_number_that_is_too_long_is_refused),
        cmocka_unit_test(test_allocation_that_fails_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
