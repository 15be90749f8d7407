/* Text that grows, and what JSON and tables ask for. */
#include "base/text.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "support.h"

static void test_pieces_follow_each_other(void **state)
{
    (void)state;
    text_buffer t = {0};
    text_add(&t, "a");
    text_add_bytes(&t, "bcd", 2);
    text_printf(&t, "%d", 12345);
    text_number(&t, 0.1);
    assert_string_equal(t.data, "abc123450.1");
    assert_int_equal(t.length, strlen(t.data));
    text_clear(&t);
    text_add(&t, "new");
    assert_string_equal(t.data, "new");
    text_fini(&t);
}

static void test_whole_numbers_reach_the_ends_of_their_type(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 7, 10, -1, 1234567890, INT64_MAX, INT64_MIN};
    static const char expected[] = "0 7 10 -1 1234567890 9223372036854775807 -9223372036854775808 ";
    text_buffer t = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        text_whole(&t, numbers[i]);
        text_add(&t, " ");
    }
    assert_string_equal(t.data, expected);
    text_fini(&t);
}

static void test_lack_of_memory_is_kept_in_mind(void **state)
{
    (void)state;
    text_buffer t = {0};
    text_add(&t, "kept");
    mem_fail_from(1);
    for (int i = 0; i < 1000; i++) {
        text_add(&t, "much more than there is room for");
    }
    mem_fail_at(0);
    assert_true(t.failed);
    assert_memory_equal(t.data, "kept", 4);
    text_fini(&t);
}

static void check_json(const char *string, const char *expected)
{
    text_buffer t = {0};
    text_json_string(&t, string);
    assert_false(t.failed);
    assert_string_equal(t.data, expected);
    text_fini(&t);
}

static void test_json_strings_are_escaped(void **state)
{
    (void)state;
    check_json("", "\"\"");
    check_json("a\"b\\c\n\t", "\"a\\\"b\\\\c\\n\\t\"");
    check_json("\x01\x7f", "\"\\u0001\\u007f\"");
    check_json("\xc3\xa9", "\"\xc3\xa9\"");
    check_json("\xe2\x80\xa8", "\"\\u2028\""); /* a line separator */
    check_json("a\xffz", "\"a\xef\xbf\xbdz\"");
}

static void test_json_has_null_for_what_is_no_number(void **state)
{
    (void)state;
    text_buffer t = {0};
    text_json_number(&t, (double)NAN);
    text_json_number(&t, -(double)INFINITY);
    text_json_number(&t, 2.5);
    assert_string_equal(t.data, "nullnull2.5");
    text_fini(&t);
}

static size_t utf8(const char *text)
{
    return text_utf8((const unsigned char *)text, strlen(text));
}

/* The ends of the ranges of table 3-7. */
static void test_utf8_sequences(void **state)
{
    (void)state;
    assert_int_equal(utf8("a"), 1);
    assert_int_equal(utf8("\xc2\x80"), 2);
    assert_int_equal(utf8("\xe0\xa0\x80"), 3);
    assert_int_equal(utf8("\xed\x9f\xbf"), 3);
    assert_int_equal(utf8("\xf0\x90\x80\x80"), 4);
    assert_int_equal(utf8("\xf4\x8f\xbf\xbf"), 4);
    assert_int_equal(utf8("\x80"), 0);
    assert_int_equal(utf8("\xc1\xbf"), 0);         /* overlong */
    assert_int_equal(utf8("\xe0\x9f\xbf"), 0);     /* overlong */
    assert_int_equal(utf8("\xed\xa0\x80"), 0);     /* a surrogate */
    assert_int_equal(utf8("\xf4\x90\x80\x80"), 0); /* above U+10FFFF */
    assert_int_equal(utf8("\xe2\x82"), 0);         /* cut short */
}

static void test_trim_takes_blanks_of_both_ends(void **state)
{
    (void)state;
    char text[] = " \ta b \t", nothing[] = "  ";
    assert_string_equal(text_trim(text), "a b");
    assert_string_equal(text_trim(nothing), "");
}

static void test_groups_of_three_digits(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {{0, "0"},       {999, "999"},          {1000, "1,000"},
                 {-999, "-999"}, {-123456, "-123,456"}, {INT64_MIN, "-9,223,372,036,854,775,808"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_grouped(cases[i].n, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    static const int64_t dim[] = {3, 26, 26};
    char text[112];
    text_shape(3, dim, text);
    assert_string_equal(text, "3x26x26");
    text_shape(0, NULL, text);
    assert_string_equal(text, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_follow_each_other),
        cmocka_unit_test(test_whole_numbers_reach_the_ends_of_their_type),
        cmocka_unit_test(test_lack_of_memory_is_kept_in_mind),
        cmocka_unit_test(test_json_strings_are_escaped),
        cmocka_unit_test(test_json_has_null_for_what_is_no_number),
        cmocka_unit_test(test_utf8_sequences),
        cmocka_unit_test(test_trim_takes_blanks_of_both_ends),
        cmocka_unit_test(test_groups_of_three_digits),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
