/* Failures that say where a piece of configuration stands. */
#include "base/location.h"

#include <string.h>

#include "base/diag.h"
#include "support.h"

static const location line_12 = {.file = "net.ini", .line = 12};

static void test_failure_names_file_line_and_section(void **state)
{
    (void)state;
    diag_clear();
    assert_int_equal(location_fail(line_12, "train", "lr = %d", 3), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "net.ini:12: [train] lr = 3");
}

static void test_what_is_unknown_is_left_out(void **state)
{
    (void)state;
    diag_clear();
    (void)location_fail((location){.file = "override a=1"}, NULL, "no");
    assert_string_equal(diag_message(), "override a=1: no");
    diag_clear();
    (void)location_fail((location){.file = NULL}, "run", "no");
    assert_string_equal(diag_message(), "[run] no");
}

static void test_long_messages_are_marked_as_cut(void **state)
{
    (void)state;
    char text[2000] = {0};
    memset(text, 'x', sizeof text - 1);
    diag_clear();
    (void)location_fail(line_12, NULL, "%s", text);
    assert_non_null(strstr(diag_message(), "..."));
}

static void test_prefix_stands_before_what_was_recorded(void **state)
{
    (void)state;
    diag_clear();
    odeon_status status = diag_fail(ODEON_ERR_CONFIG, "too large");
    assert_int_equal(location_prefix(status, line_12, "model"), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "net.ini:12: [model] too large");
}

static void test_prefix_leaves_success_and_lack_of_memory_alone(void **state)
{
    (void)state;
    diag_clear();
    assert_int_equal(location_prefix(ODEON_OK, line_12, "model"), ODEON_OK);
    assert_string_equal(diag_message(), "");
    odeon_status status = diag_fail(ODEON_ERR_NOMEM, "out of memory");
    assert_int_equal(location_prefix(status, line_12, "model"), ODEON_ERR_NOMEM);
    assert_string_equal(diag_message(), "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure_names_file_line_and_section),
        cmocka_unit_test(test_what_is_unknown_is_left_out),
        cmocka_unit_test(test_long_messages_are_marked_as_cut),
        cmocka_unit_test(test_prefix_stands_before_what_was_recorded),
        cmocka_unit_test(test_prefix_leaves_success_and_lack_of_memory_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
