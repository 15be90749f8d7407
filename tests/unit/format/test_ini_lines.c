/* The lines of an INI as inih gets them: checked, without comments, sections by number, long lines
 * in pieces. */
#include "format/ini_lines.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

enum { ROOM = 200, MOST = 64 };

/* What was handed out, and the names of sections that were asked for. */
typedef struct reading {
    ini_lines lines;
    char *given[MOST];
    bool piece[MOST];
    int line[MOST];
    size_t n;
    char sections[MOST][INI_FILE_MAX_NAME + 1];
    int n_sections, refused; /* the number of a section that is refused; -1: none */
} reading;

static int take_section(ini_lines *lines, const char *name)
{
    reading *r = lines->context;
    (void)snprintf(r->sections[r->n_sections], sizeof r->sections[0], "%s", name);
    if (r->n_sections == r->refused) {
        ini_lines_fail(lines, "[%s] is refused", name);
        return -1;
    }
    return r->n_sections++;
}

/* Reads all of text with a buffer of room bytes; close_reading frees what was read. */
static reading *read_with(const char *text, size_t bytes, int room)
{
    static reading r;
    char buffer[ROOM];
    memset(&r, 0, sizeof r);
    r.refused = -1;
    diag_clear();
    ini_lines_init(&r.lines, "t.ini", text, bytes);
    r.lines.section = take_section;
    r.lines.context = &r;
    for (char *s = ini_lines_read(buffer, room, &r.lines); s != NULL;
         s = ini_lines_read(buffer, room, &r.lines)) {
        assert_ptr_equal(s, buffer);
        assert_true(strlen(s) < (size_t)room);
        assert_true(r.n < MOST);
        r.line[r.n] = r.lines.line;
        r.piece[r.n] = r.lines.piece;
        r.given[r.n++] = mem_strdup(s);
    }
    return &r;
}

static void close_reading(reading *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->given[i]);
    }
}

static void assert_lines(const char *text, size_t n, const char *const *expected)
{
    reading *r = read_with(text, strlen(text), ROOM);
    assert_int_equal(r->lines.status, ODEON_OK);
    assert_int_equal(r->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(r->given[i], expected[i]);
        assert_false(r->piece[i]);
    }
    close_reading(r);
}

/* ---- lines ---- */

static void test_lines_come_without_comments_and_blanks_at_their_ends(void **state)
{
    (void)state;
    static const char *const expected[] = {"a = 1\n", "b = x;y#z\n", "c =2\n", "d = 4\n"};
    assert_lines("; comment\n# comment\n\n \t\n  ; indented comment\n  # and another\n"
                 "a = 1 \t ; comment\nb = x;y#z ; first ; second\r\nc =2\t;\nd = 4",
                 4, expected);
}

static void test_there_may_be_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "\xef\xbb\xbf", "\xef\xbb\xbf\r\n", ";", " "};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_lines(texts[i], 0, NULL);
    }
}

static void test_a_byte_order_mark_may_stand_first(void **state)
{
    (void)state;
    static const char *const expected[] = {"a = \xc3\xa9\n"};
    assert_lines("\xef\xbb\xbf"
                 "a = \xc3\xa9\n",
                 1, expected);
}

static void test_lines_are_counted_from_1(void **state)
{
    (void)state;
    static const char text[] = "a = 1\n\n; c\nb = 2\r\nc = 3";
    reading *r = read_with(text, sizeof text - 1, ROOM);
    assert_int_equal(r->n, 3);
    assert_int_equal(r->line[0], 1);
    assert_int_equal(r->line[1], 4);
    assert_int_equal(r->line[2], 5);
    close_reading(r);
}

/* Nothing behind the end is read: the text need not end in NUL. */
static void test_the_text_ends_where_its_length_says(void **state)
{
    (void)state;
    static const char text[] = "a = 12\nb";
    reading *r = read_with(text, 5, ROOM);
    assert_int_equal(r->n, 1);
    assert_string_equal(r->given[0], "a = 1\n");
    close_reading(r);
}

/* ---- sections ---- */

static void test_sections_are_given_by_number(void **state)
{
    (void)state;
    static const char text[] = "[a]\nx = 1\n[ model.b c\t]  ; comment\ny = 2\n";
    reading *r = read_with(text, sizeof text - 1, ROOM);
    static const char *const expected[] = {"[0]\n", "x = 1\n", "[1]\n", "y = 2\n"};
    assert_int_equal(r->n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(r->given[i], expected[i]);
    }
    assert_int_equal(r->n_sections, 2);
    assert_string_equal(r->sections[0], "a");
    assert_string_equal(r->sections[1], "model.b c");
    close_reading(r);
}

static void test_a_section_may_be_refused(void **state)
{
    (void)state;
    static const char text[] = "[a]\n[b]\nx = 1\n";
    static reading r;
    char buffer[ROOM];
    ini_lines_init(&r.lines, "t.ini", text, sizeof text - 1);
    r.lines.section = take_section;
    r.lines.context = &r;
    r.refused = 1;
    diag_clear();
    assert_non_null(ini_lines_read(buffer, ROOM, &r.lines));
    assert_null(ini_lines_read(buffer, ROOM, &r.lines));
    assert_int_equal(r.lines.status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "t.ini:2: [b] is refused");
    assert_null(ini_lines_read(buffer, ROOM, &r.lines)); /* and nothing more is handed out */
}

/* ---- pieces ---- */

/* As inih joins them: each further piece loses the blank that it begins with. */
static void assert_joined(const char *text, int room)
{
    static char joined[INI_FILE_MAX_LINE + 2];
    reading *r = read_with(text, strlen(text), room);
    joined[0] = '\0';
    assert_int_equal(r->lines.status, ODEON_OK);
    for (size_t i = 0; i < r->n; i++) {
        size_t n = strlen(r->given[i]);
        assert_int_equal(r->given[i][n - 1], '\n');
        assert_int_equal(r->piece[i], i > 0);
        assert_int_equal(r->line[i], 1);
        r->given[i][n - 1] = '\0';
        const char *content = r->given[i] + (i > 0);
        assert_true(i == 0 || r->given[i][0] == ' ');
        assert_null(strchr(" \t;#", content[0])); /* inih would strip or drop it */
        assert_null(strchr(" \t", content[strlen(content) - 1]));
        (void)strcat(joined, content);
    }
    assert_string_equal(joined, text);
    close_reading(r);
}

static void test_long_lines_come_in_pieces(void **state)
{
    (void)state;
    assert_joined("key = abcdefghijklmnopqrstuvwxyz0123456789", 20);
    assert_joined("key = ab cd;ef#gh ij kl mn op qr st uv wx yz", 14);
    assert_joined("key=abcdefghijklmnopqrstuvwxyz", 9);
    assert_joined("key = a=b=c=d=e=f=g=h=i=j=k=l", 12);
    assert_joined("k = 12345", 12);
    assert_joined("k = 123456", 12);
    for (int room = 12; room <= 40; room++) { /* so that a piece would end at each of them */
        assert_joined("key = ab#cd;ef#gh;ij#kl mn;op qr#st uv;wx#yz", room);
    }
}

static void test_a_line_that_cannot_be_cut_is_refused(void **state)
{
    (void)state;
    static const char text[] = "\nkey = a                     b\n";
    reading *r = read_with(text, sizeof text - 1, 20);
    assert_int_equal(r->n, 0);
    assert_int_equal(r->lines.status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "t.ini:2: more than 100 blanks or ; or # in a row in a "
                                        "long line: take some out");
    close_reading(r);
}

static void test_a_buffer_for_no_byte_gets_none(void **state)
{
    (void)state;
    for (int room = 0; room <= 3; room++) {
        reading *r = read_with("x=1\n", 4, room);
        assert_int_equal(r->n, 0);
        assert_int_equal(r->lines.status, ODEON_OK);
    }
}

/* ---- refusals ---- */

static void assert_refused_bytes(const char *text, size_t bytes, const char *message)
{
    reading *r = read_with(text, bytes, ROOM);
    assert_int_equal(r->lines.status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), message);
    assert_null(ini_lines_read((char[ROOM]){""}, ROOM, &r->lines));
    close_reading(r);
}

static void assert_refused(const char *text, const char *message)
{
    assert_refused_bytes(text, strlen(text), message);
}

static void test_lines_that_are_neither_keys_nor_sections(void **state)
{
    (void)state;
    static const char expected[] = "expected key = value, or [section]";
    char message[200];
    (void)snprintf(message, sizeof message, "t.ini:2: 'words': %s", expected);
    assert_refused("a = 1\nwords\n", message);
    (void)snprintf(message, sizeof message,
                   "t.ini:1: 'a: 1': %s; a ':' does not take the place of '='", expected);
    assert_refused("a: 1\n", message);
    assert_refused(" a = 1\n", "t.ini:1: an indented line: a value is one line, keys and sections "
                               "start at its first column");
    assert_refused("\ta = 1\n", "t.ini:1: an indented line: a value is one line, keys and "
                                "sections start at its first column");
}

static void test_keys_without_name_or_value(void **state)
{
    (void)state;
    assert_refused("= 1\n", "t.ini:1: a key has 1 to 127 bytes, this one has 0");
    assert_refused("a =\n", "t.ini:1: 'a' has no value: give one, or take the line out");
    assert_refused("a b = ; c\n", "t.ini:1: 'a b' has no value: give one, or take the line out");
}

static void test_what_looks_like_a_comment_in_a_value(void **state)
{
    (void)state;
    assert_refused("a = #1\n", "t.ini:1: 'a': '#' starts no comment here: comments after a value "
                               "start with a blank and ;");
    assert_refused("a =;1\n", "t.ini:1: 'a': ';' starts no comment here: comments after a value "
                              "start with a blank and ;");
    assert_refused("a = 1 #2\n", "t.ini:1: 'a': '#' starts no comment here: comments after a "
                                 "value start with a blank and ;");
}

static void test_sections_that_are_not_closed_or_named(void **state)
{
    (void)state;
    assert_refused("[a\n", "t.ini:1: '[a': the ']' is missing");
    assert_refused("[a] b\n", "t.ini:1: '[a] b': nothing but a comment may follow the ']'");
    assert_refused("[]\n", "t.ini:1: a section's name has 1 to 127 bytes, this one has 0");
    assert_refused("[ \t ]\n", "t.ini:1: a section's name has 1 to 127 bytes, this one has 0");
}

static void test_bytes_of_no_text_file(void **state)
{
    (void)state;
    assert_refused("\xff\xfe"
                   "a",
                   "t.ini:1: this is UTF-16: save the file as UTF-8");
    assert_refused("\xfe\xff"
                   "a",
                   "t.ini:1: this is UTF-16: save the file as UTF-8");
    assert_refused_bytes("\na\0b\n", 5, "t.ini:2: a NUL byte: this is no text file");
    assert_refused("a = 1\rb = 2\n",
                   "t.ini:1: a carriage return within a line: end lines with LF or CR LF");
    assert_refused("a = 1\r", /* no LF follows */
                   "t.ini:1: a carriage return within a line: end lines with LF or CR LF");
    assert_refused("a = \x1b[m\n", "t.ini:1: a control character: take it out");
    assert_refused("a = \x7f\n", "t.ini:1: a control character: take it out");
    assert_refused("a = \xc3\n", "t.ini:1: this is not UTF-8: save the file as UTF-8");
    assert_refused("a = \xef\xbb\xbf\n",
                   "t.ini:1: a byte order mark in the middle of the text: take it out");
    /* in comments, too */
    assert_refused("; \x01\n", "t.ini:1: a control character: take it out");
}

/* ---- limits ---- */

static void test_a_line_has_its_longest_length(void **state)
{
    (void)state;
    enum { HEAD = 4 };
    static char text[INI_FILE_MAX_LINE + 2];
    static ini_lines lines;
    char buffer[ROOM], message[160];
    memset(text, 'x', sizeof text);
    memcpy(text, "k = ", HEAD);
    ini_lines_init(&lines, "t.ini", text, INI_FILE_MAX_LINE);
    size_t n = 0;
    diag_clear();
    for (const char *s = ini_lines_read(buffer, ROOM, &lines); s != NULL;
         s = ini_lines_read(buffer, ROOM, &lines)) {
        n += strlen(s) - 1 - lines.piece;
    }
    assert_int_equal(lines.status, ODEON_OK);
    assert_int_equal(n, INI_FILE_MAX_LINE);
    (void)snprintf(message, sizeof message,
                   "t.ini:1: %d bytes in one line, at most %d are allowed: give options as keys "
                   "of their own, or split the section",
                   INI_FILE_MAX_LINE + 1, INI_FILE_MAX_LINE);
    assert_refused_bytes(text, INI_FILE_MAX_LINE + 1, message);
}

static void test_names_have_their_longest_length(void **state)
{
    (void)state;
    for (int n = INI_FILE_MAX_NAME; n <= INI_FILE_MAX_NAME + 1; n++) {
        char key[200], section[200];
        (void)snprintf(key, sizeof key, "%0*d = 1\n", n, 1);
        (void)snprintf(section, sizeof section, "[%0*d]\n", n, 1);
        reading *r = read_with(key, strlen(key), ROOM);
        assert_int_equal(r->n, n == INI_FILE_MAX_NAME);
        close_reading(r);
        r = read_with(section, strlen(section), ROOM);
        assert_int_equal(r->n, n == INI_FILE_MAX_NAME);
        assert_int_equal(r->n_sections, n == INI_FILE_MAX_NAME);
        close_reading(r);
    }
    assert_string_equal(diag_message(),
                        "t.ini:1: a section's name has 1 to 127 bytes, this one has 128");
}

static void test_a_failure_names_file_and_line(void **state)
{
    (void)state;
    static ini_lines lines;
    ini_lines_init(&lines, "x.ini", "", 0);
    assert_int_equal(lines.status, ODEON_OK);
    lines.line = 7;
    diag_clear();
    ini_lines_fail(&lines, "%d of %s", 3, "them");
    assert_int_equal(lines.status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "x.ini:7: 3 of them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_without_comments_and_blanks_at_their_ends),
        cmocka_unit_test(test_there_may_be_nothing),
        cmocka_unit_test(test_a_byte_order_mark_may_stand_first),
        cmocka_unit_test(test_lines_are_counted_from_1),
        cmocka_unit_test(test_the_text_ends_where_its_length_says),
        cmocka_unit_test(test_sections_are_given_by_number),
        cmocka_unit_test(test_a_section_may_be_refused),
        cmocka_unit_test(test_long_lines_come_in_pieces),
        cmocka_unit_test(test_a_line_that_cannot_be_cut_is_refused),
        cmocka_unit_test(test_a_buffer_for_no_byte_gets_none),
        cmocka_unit_test(test_lines_that_are_neither_keys_nor_sections),
        cmocka_unit_test(test_keys_without_name_or_value),
        cmocka_unit_test(test_what_looks_like_a_comment_in_a_value),
        cmocka_unit_test(test_sections_that_are_not_closed_or_named),
        cmocka_unit_test(test_bytes_of_no_text_file),
        cmocka_unit_test(test_a_line_has_its_longest_length),
        cmocka_unit_test(test_names_have_their_longest_length),
        cmocka_unit_test(test_a_failure_names_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
