#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/clean.h"
#include "base/diag.h"
#include "base/label.h"
#include "base/text.h"

/* What comes out of the stream for these pieces, written one after the other; free it. */
static char *streamed(size_t n, const char *const *pieces)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    FILE *out = clean_stream(to);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        assert_true(fputs(pieces[i], out) >= 0);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void assert_streamed(const char *text, const char *expected)
{
    char *whole = streamed(1, &text);
    assert_string_equal(whole, expected);
    free(whole);
}

static void assert_line(const char *text, const char *expected)
{
    char line[256];
    (void)clean_line(text, line, sizeof line);
    assert_string_equal(line, expected);
}

static void test_plain_text_stays_as_it_is(void **state)
{
    (void)state;
    static const char text[] = "a [b] ~ \\x1b \xc3\xa9\xc2\xa0 \xe2\x94\x81 \xf0\x9f\x98\x80 "
                               "\xe2\x80\x8d\xe0\xa4\xb9";
    assert_streamed(text, text);
    assert_line(text, text);
}

static void test_controls_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } controls[] = {
        {"\x1b]0;x\x07", "\\x1b]0;x\\x07"},
        {"\x01\x08\x0b\x0c\x0e\x1f\x7f", "\\x01\\x08\\x0b\\x0c\\x0e\\x1f\\x7f"},
        {"\xc2\x80\xc2\x9b\xc2\x9f", "\\u0080\\u009b\\u009f"},
        {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u061c\\u200e\\u200f"},
        {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae", "\\u2028\\u2029\\u202a\\u202e"},
        {"\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaf", "\\u2066\\u2069\\u206f"},
        {"\x9b\x33\xff\xc0\x80", "\\x9b3\\xff\\xc0\\x80"},
        {"\xed\xa0\x80 \xf4\x90\x80\x80", "\\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80"},
        {"\xe2\x80", "\\xe2\\x80"},
    };
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        assert_streamed(controls[i].text, controls[i].shown);
        assert_line(controls[i].text, controls[i].shown);
    }
}

static void test_neighbours_of_controls_are_none(void **state)
{
    (void)state;
    static const char text[] = " ~\xc2\xa0\xd8\x9b\xd8\x9d\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xa7"
                               "\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xb0";
    assert_line(text, text);
}

static void test_stream_keeps_line_breaks_and_tabs_alone(void **state)
{
    (void)state;
    assert_streamed("a\tb\nc\rd\n", "a\tb\nc\\x0dd\n");
}

static void test_stream_joins_what_comes_in_pieces(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a\xe2",         "\x80",    "\xae|\xc2", "\x9b|\xc3",
                                         "\xa9|\xe2\x80", "b\xf0",   "\x9f\x98",  "\x80|\xed",
                                         "\xa0|\xe0",     "\xa4\xb9"};
    char *text = streamed(10, pieces);
    assert_string_equal(text, "a\\u202e|\\u009b|\xc3\xa9|\\xe2\\x80"
                              "b\xf0\x9f\x98\x80|\\xed\\xa0|\xe0\xa4\xb9");
    free(text);
}

static void test_stream_says_what_had_only_begun(void **state)
{
    (void)state;
    assert_streamed("a\xf0\x9f\x98", "a\\xf0\\x9f\\x98");
}

static void test_stream_keeps_its_place_among_other_output(void **state)
{
    (void)state;
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    FILE *out = clean_stream(to);
    (void)fprintf(out, "1");
    (void)fputs("2\x1b[K", to);
    (void)fprintf(out, "%s", "3\x1b");
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, "12\x1b[K3\\x1b");
    free(text);
}

static void test_stream_of_a_full_device_fails(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    (void)setvbuf(full, NULL, _IONBF, 0);
    FILE *out = clean_stream(full);
    (void)fprintf(out, "text");
    assert_int_not_equal(ferror(out), 0);
    (void)fclose(out);
    (void)fclose(full);
}

static void test_line_is_cut_between_characters(void **state)
{
    (void)state;
    char line[7];
    clean_line("abcd\xc3\xa9x", line, sizeof line);
    assert_string_equal(line, "abcd\xc3\xa9");
    clean_line("abcde\xc3\xa9", line, sizeof line);
    assert_string_equal(line, "abcde");
    clean_line("abc\x1b", line, sizeof line);
    assert_string_equal(line, "abc");
    clean_line("a\nb\tc\rd", line, sizeof line);
    assert_string_equal(line, "a b c ");
}

static void test_cleaning_twice_is_cleaning_once(void **state)
{
    (void)state;
    char once[64], twice[64];
    clean_line("a\x1b\xc2\x9b\xe2\x80\xae\xff", once, sizeof once);
    clean_line(once, twice, sizeof twice);
    assert_string_equal(once, twice);
}

static void test_messages_are_clean(void **state)
{
    (void)state;
    diag_clear();
    (void)diag_fail(ODEON_ERR_IO, "%s: gone",
                    "\xc2\x9b"
                    "31m\x1b[0m");
    assert_string_equal(diag_message(), "\\u009b31m\\x1b[0m: gone");
}

static void test_json_escapes_what_a_terminal_would_obey(void **state)
{
    (void)state;
    text_buffer t = {0};
    text_json_string(&t, "\x1b\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"\n");
    assert_string_equal(t.data, "\"\\u001b\\u007f\\u009b\\u202e\xc3\xa9\\\"\\n\"");
    text_fini(&t);
}

static void test_labels_of_plugins_have_no_controls(void **state)
{
    (void)state;
    assert_true(label_is_line("one \xc3\xa9 line"));
    assert_false(label_is_line("\xc2\x9b"));
    assert_false(label_is_line("\x7f"));
    assert_false(label_is_line("a\xe2\x80\xae"
                               "b"));
    assert_false(label_is_line("a\xe2\x80\xa8"
                               "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_stays_as_it_is),
        cmocka_unit_test(test_controls_are_shown),
        cmocka_unit_test(test_neighbours_of_controls_are_none),
        cmocka_unit_test(test_stream_keeps_line_breaks_and_tabs_alone),
        cmocka_unit_test(test_stream_joins_what_comes_in_pieces),
        cmocka_unit_test(test_stream_says_what_had_only_begun),
        cmocka_unit_test(test_stream_keeps_its_place_among_other_output),
        cmocka_unit_test(test_stream_of_a_full_device_fails),
        cmocka_unit_test(test_line_is_cut_between_characters),
        cmocka_unit_test(test_cleaning_twice_is_cleaning_once),
        cmocka_unit_test(test_messages_are_clean),
        cmocka_unit_test(test_json_escapes_what_a_terminal_would_obey),
        cmocka_unit_test(test_labels_of_plugins_have_no_controls),
    };
    return cmocka_run_group_tests_name("clean", tests, NULL, NULL);
}
