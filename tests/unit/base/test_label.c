/* Text that may be shown, and names. */
#include "base/label.h"

#include <string.h>

#include "support.h"

static void test_a_line_is_utf8_without_controls(void **state)
{
    (void)state;
    assert_true(label_is_line(""));
    assert_true(label_is_line("r\xc3\xa9sum\xc3\xa9"));
    assert_false(label_is_line(NULL));
    assert_false(label_is_line("two\nlines"));
    assert_false(label_is_line("\x1b[2J"));
    assert_false(label_is_line("\xff"));
    assert_false(label_is_line("right\xe2\x80\xaeto left")); /* U+202E */
    assert_false(label_is_line("\xc3"));                     /* cut short */
}

static void test_lines_have_a_longest(void **state)
{
    (void)state;
    char text[LABEL_MAX_BYTES + 2];
    memset(text, 'a', sizeof text);
    text[LABEL_MAX_BYTES] = '\0';
    assert_true(label_is_line(text));
    text[LABEL_MAX_BYTES] = 'a';
    text[LABEL_MAX_BYTES + 1] = '\0';
    assert_false(label_is_line(text));
}

static void test_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "_a", "1a", "a-b", "a.b", "a ", "\xc3\xa9"};
    assert_true(label_is_id("Conv2d_x"));
    assert_false(label_is_id(NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(label_is_id(bad[i]));
    }
    char text[LABEL_MAX_ID_BYTES + 2] = {0};
    memset(text, 'a', LABEL_MAX_ID_BYTES);
    assert_true(label_is_id(text));
    text[LABEL_MAX_ID_BYTES] = 'a';
    assert_false(label_is_id(text));
}

static void test_kernels_are_two_ids(void **state)
{
    (void)state;
    assert_true(label_is_kernel("swish@cuda"));
    assert_false(label_is_kernel("swish"));
    assert_false(label_is_kernel("@cuda"));
    assert_false(label_is_kernel("swish@"));
    assert_false(label_is_kernel("a@b@c"));
    assert_false(label_is_kernel(NULL));
}

static void test_options_are_lower_case(void **state)
{
    (void)state;
    assert_true(label_is_option_name("first_step2"));
    assert_false(label_is_option_name("First"));
    assert_false(label_is_option_name("2first"));
}

static void test_aliases(void **state)
{
    (void)state;
    assert_true(label_is_aliases(NULL));
    assert_true(label_is_aliases("tol|tolerance"));
    assert_false(label_is_aliases(""));
    assert_false(label_is_aliases("tol|"));
    assert_false(label_is_aliases("|tol"));
    assert_false(label_is_aliases("a||b"));
    assert_false(label_is_aliases("a b"));
}

static void test_names_may_begin_with_an_underscore(void **state)
{
    (void)state;
    assert_true(label_is_name("_a1"));
    assert_false(label_is_name("1a"));
    assert_false(label_is_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_utf8_without_controls),
        cmocka_unit_test(test_lines_have_a_longest),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_kernels_are_two_ids),
        cmocka_unit_test(test_options_are_lower_case),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_names_may_begin_with_an_underscore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
