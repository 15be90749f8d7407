/* The reader of comma-separated text on bytes in memory: what it takes, and every way in which a
 * text can be wrong. */
#include "support.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* A plugin's sources, compiled here so that their branches are counted. */
#include "dataset/common/columns.c"
#include "dataset/common/csv_scan.c"
#include "dataset/common/csv_table.c"
#include "dataset/common/dates.c"
#include "dataset/common/words.c"

static const csv_format with_names = {.separator = ',', .header = true};
static const csv_format no_names = {.separator = ','};

/* Reads bytes of text, of which only those are readable: ASan sees what goes beyond the NUL. */
static odeon_status read_bytes(const csv_format *format, const char *wanted, const char *text,
                               size_t bytes, csv_table *out)
{
    columns list;
    char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    const odeon_host *h = support_host();
    assert_int_equal(columns_parse(h, "inputs", wanted, &list), ODEON_OK);
    odeon_status status = csv_table_read(h, "test", copy, bytes, format, &list, out);
    columns_free(h, &list);
    free(copy);
    return status;
}

static csv_table read_text(const csv_format *format, const char *wanted, const char *text)
{
    csv_table table;
    if (read_bytes(format, wanted, text, strlen(text), &table) != ODEON_OK) {
        fail_msg("%s: %s", text, diag_message());
    }
    return table;
}

/* Reads text and compares all values, row by row, with n expected ones. */
static void assert_values(const csv_format *format, const char *wanted, const char *text, int64_t n,
                          const double *expected)
{
    csv_table table = read_text(format, wanted, text);
    assert_int_equal(table.n_rows * table.n_columns, n);
    for (int64_t i = 0; i < n; i++) {
        if (table.value[i] != expected[i]) {
            fail_msg("%s: value %d is %g, expected %g", text, (int)i, table.value[i], expected[i]);
        }
    }
    csv_table_free(support_host(), &table);
}
#define ASSERT_VALUES(format, wanted, text, ...)                                                   \
    assert_values(format, wanted, text, sizeof((double[]){__VA_ARGS__}) / sizeof(double),          \
                  (double[]){__VA_ARGS__})

static void assert_bytes_refused(const csv_format *format, const char *wanted, const char *text,
                                 size_t bytes, const char *reason)
{
    csv_table table;
    int64_t before = mem_live_blocks();
    odeon_status status = read_bytes(format, wanted, text, bytes, &table);
    if (status != ODEON_ERR_DATA || strstr(diag_message(), reason) == NULL) {
        fail_msg("'%s': status %d, \"%s\" lacks \"%s\"", text, (int)status, diag_message(), reason);
    }
    assert_null(table.value);
    assert_null(table.line);
    assert_int_equal(mem_live_blocks(), before);
}

static void assert_refused(const csv_format *format, const char *wanted, const char *text,
                           const char *reason)
{
    assert_bytes_refused(format, wanted, text, strlen(text), reason);
}

/* ---- what is good ---- */

static void test_columns_are_found_by_name_and_by_index(void **state)
{
    (void)state;
    static const char text[] = "a,b,c,d\n1,2,3,4\n5,6,7,8\n";
    ASSERT_VALUES(&with_names, "c a", text, 3, 1, 7, 5);
    ASSERT_VALUES(&with_names, "2 a", text, 3, 1, 7, 5);
    ASSERT_VALUES(&with_names, "1..3", text, 2, 3, 4, 6, 7, 8);
    ASSERT_VALUES(&with_names, "b b", text, 2, 2, 6, 6);
    ASSERT_VALUES(&no_names, "3 0", "1,2,3,4\n5,6,7,8\n", 4, 1, 8, 5);
}

static void test_a_name_goes_before_an_index(void **state)
{
    (void)state;
    ASSERT_VALUES(&with_names, "1 0", "1,x\n7,8\n", 7, 7);
}

static void test_numbers_are_decimal_of_every_form(void **state)
{
    (void)state;
    ASSERT_VALUES(&no_names, "0..7", "1,-2,+3,.5,4.,1e2,1E-2,-1.5e+1\n", 1, -2, 3, 0.5, 4, 100,
                  0.01, -15);
    ASSERT_VALUES(&no_names, "0", "5e-324\n1e-400\n", 0x1p-1074, 0); /* rounds as any number */
}

static void test_lines_end_in_lf_cr_lf_or_not_at_all(void **state)
{
    (void)state;
    ASSERT_VALUES(&no_names, "0 1", "1,2\n3,4\n", 1, 2, 3, 4);
    ASSERT_VALUES(&no_names, "0 1", "1,2\r\n3,4\r\n", 1, 2, 3, 4);
    ASSERT_VALUES(&no_names, "0 1", "1,2\n3,4", 1, 2, 3, 4);
    ASSERT_VALUES(&no_names, "0 1", "1,2\r\n3,4\r", 1, 2, 3, 4);
}

static void test_blank_lines_and_blanks_count_for_nothing(void **state)
{
    (void)state;
    ASSERT_VALUES(&no_names, "0 1", "\n\r\n1,2\n  \n\n3,4\n\n\n", 1, 2, 3, 4);
    ASSERT_VALUES(&no_names, "0 1", " 1 ,\t2\t\n\t3, 4 \n", 1, 2, 3, 4);
    ASSERT_VALUES(&with_names, "a b", " a , b \n1,2", 1, 2);
}

static void test_a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    ASSERT_VALUES(&with_names, "a",
                  "\xef\xbb\xbf"
                  "a,b\n1,2\n",
                  1);
}

static void test_other_separators_leave_commas_alone(void **state)
{
    (void)state;
    csv_format format = {.separator = ';'};
    ASSERT_VALUES(&format, "0 2", "1;a,b;2\n", 1, 2);
    format.separator = '\t';
    ASSERT_VALUES(&format, "0 2", " 1 \t\t2\n", 1, 2);
}

static void test_quoted_cells_hold_anything(void **state)
{
    (void)state;
    ASSERT_VALUES(&with_names, "a b", "a,\"b\",text\n\"1\", \"2\" ,\"x,\"\"y\"\"\nz\"\n3,4,\n", 1,
                  2, 3, 4);
    ASSERT_VALUES(&with_names, "a\"b", "\"a\"\"b\",c\n1,2\n", 1);
    ASSERT_VALUES(&no_names, "0", "5,\"\"\n", 5);
}

static void test_a_line_of_empty_quotes_is_a_row(void **state)
{
    (void)state;
    csv_format gaps = {.separator = ',', .gaps = true};
    csv_table table = read_text(&gaps, "0", "1\n\"\"\n2\n");
    assert_int_equal(table.n_rows, 3);
    assert_true(isnan(table.value[1]));
    csv_table_free(support_host(), &table);
}

static void test_empty_cells_are_gaps_where_those_are_allowed(void **state)
{
    (void)state;
    csv_format gaps = {.separator = ',', .header = true, .gaps = true};
    csv_table table = read_text(&gaps, "a b", "a,b\n1,\n ,2\n");
    assert_true(table.value[0] == 1.0 && isnan(table.value[1]));
    assert_true(isnan(table.value[2]) && table.value[3] == 2.0);
    csv_table_free(support_host(), &table);
}

static void test_rows_know_their_lines(void **state)
{
    (void)state;
    csv_table table = read_text(&with_names, "a", "a,b\n\n1,\"x\n\ny\"\n2,z\n");
    assert_int_equal(table.n_rows, 2);
    assert_int_equal(table.line[0], 3);
    assert_int_equal(table.line[1], 6);
    csv_table_free(support_host(), &table);
}

static void test_numbers_are_the_same_in_every_locale(void **state)
{
    (void)state;
    locale_t comma = newlocale(LC_ALL_MASK, "de_DE.UTF-8", (locale_t)0);
    if (comma == (locale_t)0) {
        support_not_covered("numbers where the decimal point is a comma (no locale de_DE.UTF-8)");
    }
    locale_t before = uselocale(comma);
    ASSERT_VALUES(&no_names, "0", "1.5\n", 1.5);
    assert_true(uselocale(before) == comma);
    freelocale(comma);
}

/* ---- what is wrong ---- */

static void test_rows_of_another_length_are_refused(void **state)
{
    (void)state;
    assert_refused(&no_names, "0", "1,2\n3\n", "test:2: 1 cells, but the first line has 2");
    assert_refused(&no_names, "0", "1,2\n\n3,4,\n", "test:3: 3 cells, but the first line has 2");
}

static void test_texts_without_rows_are_refused(void **state)
{
    (void)state;
    assert_refused(&no_names, "0", "", "test: has no rows");
    assert_refused(&with_names, "0", "", "test: has no rows");
    assert_refused(&no_names, "0", "\n\r\n  \n", "test: has no rows");
    assert_refused(&with_names, "a", "a,b\n", "test: has no rows");
    assert_refused(&no_names, "0", "\xef\xbb\xbf", "test: has no rows");
}

static void test_missing_numbers_are_refused(void **state)
{
    (void)state;
    assert_refused(&with_names, "a b", "a,b\n1,2\n3,\n",
                   "test:3: column 'b': empty: a number is missing");
    assert_refused(&no_names, "0..1", "1,\"\"\n", "test:1: column 1: empty");
}

static void test_what_is_no_number_is_refused(void **state)
{
    static const char *const wrong[] = {
        "x",     "1x",
        "nan",   "inf",
        "-inf",  "0x10",
        "1e",    "1e+",
        "e5",    ".",
        "-",     "+-1",
        "1 2",   "--1",
        "1,5",   "1.2.3",
        "1_0",   "NA",
        "1e5.5", "1111111111111111111111111111111111111111111111111111111111111111"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "1;2\n3;%s\n", wrong[i]);
        assert_refused(&(csv_format){.separator = ';'}, "0 1", text, "is no number");
        assert_non_null(strstr(diag_message(), "test:2: column '1': '"));
    }
    assert_refused(&no_names, "0", "1e999\n", "1e999 is beyond double precision");
}

static void test_a_hint_is_of_its_column_alone(void **state)
{
    (void)state;
    const csv_format hint = {.separator = ',', .hint = "try another", .hint_at = 1};
    assert_refused(&hint, "0 1", "1,2\n3,x\n", "test:2: column '1': 'x' is no number: try another");
    assert_refused(&hint, "0 1", "1,2\nx,3\n", "test:2: column '0': 'x' is no number");
    assert_null(strstr(diag_message(), "try another"));
}

static void test_columns_that_are_not_there_are_refused(void **state)
{
    (void)state;
    assert_refused(&with_names, "c", "a,b\n1,2\n", "test: has no column 'c': 2 columns");
    assert_non_null(strstr(diag_message(), "names as in its first line"));
    assert_refused(&no_names, "2", "1,2\n", "test: has no column '2': 2 columns, with indices");
    assert_refused(&no_names, "0..2", "1,2\n", "test: has no column 2: 2 columns");
    assert_refused(&no_names, "a", "1,2\n", "test: has no column 'a'");
    assert_refused(&with_names, "ab", "a,abc\n1,2\n", "test: has no column 'ab'");
}

static void test_a_name_that_stands_twice_is_refused(void **state)
{
    (void)state;
    assert_refused(&with_names, "a", "\na,b,a\n1,2,3\n", "test:2: 2 columns are called 'a'");
    ASSERT_VALUES(&with_names, "b 2", "a,b,a\n1,2,3\n", 2, 3); /* nobody asks for those two */
}

static void test_bad_quotes_are_refused(void **state)
{
    (void)state;
    assert_refused(&no_names, "0", "1,2\n3,\"4\n5,6\n", "test:2: the quote that opens here");
    assert_refused(&no_names, "0", "1,a\"b\n", "test:1: a quote within a cell");
    assert_refused(&no_names, "0", "1,2\n1,\"a\"b\n", "test:2: a quote within a cell");
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_bytes_refused(&no_names, "0", "1,2\n3\0,4\n", 9, "test:2: not a text file");
    assert_bytes_refused(&no_names, "0", "1,\"\0\"\n", 6, "test:1: not a text file");
    assert_bytes_refused(&no_names, "0", "1\n2\n\0", 5, "test:3: not a text file");
    assert_refused(&no_names, "0", "1\r2\r", "test:1: a carriage return within the line");
}

static void test_more_columns_than_there_may_be_are_refused(void **state)
{
    (void)state;
    char *text = malloc(COLUMNS_MAX + 2);
    assert_non_null(text);
    memset(text, ',', COLUMNS_MAX);
    memcpy(text + COLUMNS_MAX, "\n", 2);
    assert_refused(&no_names, "0", text, "test:1: more than 65536 columns");
    free(text);
}

static void test_what_is_wrong_late_is_found_all_the_same(void **state)
{
    (void)state;
    assert_refused(&with_names, "a", "a\n1\n2\nx\n", "test:4: column 'a': 'x' is no number");
    assert_refused(&with_names, "a", "a,b\n1,2\n3,\"", "test:3: the quote that opens here");
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    csv_table table;
    columns list;
    static const char text[] = "a,b\n1,2\n";
    int64_t before = mem_live_blocks(), n = 0;
    assert_int_equal(columns_parse(support_host(), "inputs", "a", &list), ODEON_OK);
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 30) {
        mem_fail_at(++n);
        status = csv_table_read(support_host(), "test", text, sizeof text - 1, &with_names, &list,
                                &table);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before + 1);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 5); /* cells, indices, lines and values, then success */
    csv_table_free(support_host(), &table);
    columns_free(support_host(), &list);
    assert_int_equal(mem_live_blocks(), before);
}

/* ---- lists of columns ---- */

static void assert_list_refused(const char *text, odeon_status expected, const char *reason)
{
    columns list;
    int64_t before = mem_live_blocks();
    odeon_status status = columns_parse(support_host(), "inputs", text, &list);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("'%s': status %d, \"%s\"", text, (int)status, diag_message());
    }
    assert_int_equal(list.n, 0);
    assert_null(list.item);
    assert_int_equal(mem_live_blocks(), before);
}

static void test_a_list_has_names_indices_and_ranges(void **state)
{
    (void)state;
    columns list;
    assert_int_equal(
        columns_parse(support_host(), "inputs", "\tab  7 2..4 x..y .. 5.. a.b 7.8 ", &list),
        ODEON_OK);
    static const int32_t index[] = {-1, 7, 2, 3, 4, -1, -1, -1, -1, -1};
    assert_int_equal(list.n, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(list.item[i].index, index[i]);
        assert_int_equal(list.item[i].name == NULL, i >= 2 && i <= 4);
    }
    assert_memory_equal(list.item[0].name, "ab", 2);
    assert_int_equal(list.item[0].name_bytes, 2);
    columns_free(support_host(), &list);
    assert_int_equal(
        columns_parse(support_host(), "inputs", "65535 65536 99999999999999999999", &list),
        ODEON_OK);
    assert_int_equal(list.item[0].index, 65535);
    assert_int_equal(list.item[1].index, -1); /* a name, if anything */
    assert_int_equal(list.item[2].index, -1);
    columns_free(support_host(), &list);
}

static void test_lists_that_cannot_be_are_refused(void **state)
{
    (void)state;
    assert_list_refused("", ODEON_ERR_CONFIG, "inputs: names no column");
    assert_list_refused("  ", ODEON_ERR_CONFIG, "inputs: names no column");
    assert_list_refused("4..2", ODEON_ERR_CONFIG, "inputs: '4..2': a range goes up");
    assert_list_refused("60000..00000000000000000000000000000000000001", ODEON_ERR_CONFIG,
                        "'60000..000000000000000000000000000000000': a range goes up");
    assert_list_refused("0..65535 7", ODEON_ERR_CONFIG, "at most 65536 columns");
    mem_fail_at(1);
    assert_list_refused("a", ODEON_ERR_NOMEM, "inputs: no memory");
    mem_fail_at(0);
}

static columns list_of(const char *text)
{
    columns list;
    assert_int_equal(columns_parse(support_host(), "inputs", text, &list), ODEON_OK);
    return list;
}

static void test_lists_are_joined(void **state)
{
    (void)state;
    int64_t before = mem_live_blocks();
    columns a = list_of("a 3"), b = list_of("1..2"), joined;
    assert_int_equal(columns_join(support_host(), &a, &b, &joined), ODEON_OK);
    assert_int_equal(joined.n, 4);
    static const int32_t index[] = {-1, 3, 1, 2};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(joined.item[i].index, index[i]);
    }
    columns_free(support_host(), &joined);
    assert_int_equal(mem_live_blocks(), before);
    a = list_of("a");
    b = list_of("b");
    mem_fail_at(1);
    assert_int_equal(columns_join(support_host(), &a, &b, &joined), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_int_equal(mem_live_blocks(), before);
}

static void test_names_where_there_are_none_are_refused(void **state)
{
    (void)state;
    columns numbers = list_of("0 2..3"),
            names = list_of("0 a_name_that_is_longer_than_a_message_shows_of_it");
    assert_int_equal(columns_need_numbers(support_host(), &numbers), ODEON_OK);
    assert_int_equal(columns_need_numbers(support_host(), &names), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "'a_name_that_is_longer_than_a_message_sho': columns"));
    columns_free(support_host(), &numbers);
    names.item[1].name_bytes = 3;
    assert_int_equal(columns_need_numbers(support_host(), &names), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "'a_n': columns have no names where header = no"));
    columns_free(support_host(), &names);
}

static void test_a_long_name_is_compared_whole(void **state)
{
    (void)state;
    char text[700], *at = text;
    for (int i = 0; i < 2; i++) { /* two names of 300 letters that differ in the last */
        memset(at, 'n', 299);
        at[299] = (char)('x' + i);
        at[300] = i == 0 ? ',' : '\n';
        at += 301;
    }
    memcpy(at, "1,2", 4);
    ASSERT_VALUES(&with_names, "0 1", text, 1, 2);
    char name[301];
    memcpy(name, text, 300);
    name[300] = '\0';
    assert_refused(&with_names, name, text, "test: has no column 'nnn"); /* too long for a name */
}

/* What is longer than any number is none, in a column that may hold anything as well. */
static void test_long_cells_are_no_numbers(void **state)
{
    (void)state;
    static const csv_format loose = {.separator = ',', .header = true, .n_strict = 1};
    char digits[2 * NUMBER_BYTES + 1] = "", text[sizeof digits + 32];
    memset(digits, '1', sizeof digits - 1);
    (void)snprintf(text, sizeof text, "a,b,c\n1,%s,x\n", digits);
    csv_table table = read_text(&loose, "a b c", text);
    assert_true(table.value[0] == 1.0);
    assert_true(isnan(table.value[1]) && isnan(table.value[2]));
    csv_table_free(support_host(), &table);
    csv_cell cell = {.text = digits, .bytes = sizeof digits - 1};
    assert_false(csv_cell_is_number(&cell));
    cell.bytes = 3;
    assert_true(csv_cell_is_number(&cell));
}

static void test_words_and_dates(void **state)
{
    (void)state;
    static const int8_t kind[] = {CSV_WORD, CSV_DATE, CSV_NUMBER, CSV_WORD};
    const csv_format format = {.separator = ',', .header = true, .kind = kind};
    csv_table t;
    static const char text[] = "a,b,c,d\nred,1970-01-02,3,x\n\"b,lue\",1970-01-01T00:00:30,4,red\n";
    assert_int_equal(read_bytes(&format, "a b c d", text, strlen(text), &t), ODEON_OK);
    assert_true(t.value[0] == 0.0 && t.value[1] == 86400.0 && t.value[2] == 3.0);
    assert_true(t.value[3] == 1.0 && t.value[4] == 2.0 && t.value[5] == 30.0);
    assert_true(t.value[7] == 0.0); /* the same word in another column */
    assert_int_equal(t.words.n, 3);
    assert_string_equal(t.words.text[2], "b,lue");
    csv_table_free(support_host(), &t);
    static const char bad[] = "a,b,c,d\nred,2026-02-29,3,x\n";
    assert_int_equal(read_bytes(&format, "a b c d", bad, strlen(bad), &t), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "test:2: column 'b': '2026-02-29' is no date"));
    static const char empty[] = "a,b,c,d\n,2026-02-28,3,x\n";
    assert_int_equal(read_bytes(&format, "a b c d", empty, strlen(empty), &t), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "column 'a': empty"));
}

static void test_many_words_keep_their_numbers(void **state)
{
    (void)state;
    words list = {0};
    char text[16];
    int64_t number;
    for (int64_t i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "w%lld", (long long)(i % 500));
        assert_int_equal(words_add(support_host(), &list, text, &number), ODEON_OK);
        assert_int_equal(number, i % 500);
    }
    assert_int_equal(list.n, 500);
    assert_int_equal(words_find(&list, "w499"), 499);
    assert_int_equal(words_find(&list, "w500"), -1);
    words_free(support_host(), &list);
    assert_int_equal(words_find(&list, "w1"), -1);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"1970-01-01", 0.0},
                {"2000-02-29", 951782400.0},
                {"2026-03-01 12:30", 1772368200.0},
                {"2026-03-01T12:30:15.25Z", 1772368215.25},
                {"2026-03-01T12:30:15+01:30", 1772362815.0},
                {"2026-03-01T12:30:15-0130", 1772373615.0},
                {"1969-12-31", -86400.0},
                {"0001-01-01", -62135596800.0}};
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2026-00-10",
                                      "2026-04-31",
                                      "1900-02-29",
                                      "2026-2-1",
                                      "2026-03-01x",
                                      "2026-03-01T25:00",
                                      "2026-03-01T12",
                                      "2026-03-01T12:30:15.",
                                      "2026-03-01T12:30 CET",
                                      "01.03.2026",
                                      "2026-03-01T12:30+15:00"};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(date_parse(good[i].text, &seconds));
        if (seconds != good[i].seconds) {
            fail_msg("%s is %.17g", good[i].text, seconds);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (date_parse(bad[i], &seconds)) {
            fail_msg("'%s' is taken for %.17g", bad[i], seconds);
        }
    }
}

/* A word of a column that must have one, and of a column that may be without. */
static void test_words_and_dates_that_are_none(void **state)
{
    (void)state;
    static const int8_t kind[] = {CSV_WORD, CSV_DATE, CSV_WORD};
    const csv_format format = {.separator = ',', .header = true, .kind = kind, .n_strict = 2};
    char text[512], word[258];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_refused(&format, "a b c", "a,b,c\n,2001-02-03,x\n",
                   "test:2: column 'a': empty: a number is missing");
    csv_table table = read_text(&format, "a b c", "a,b,c\nx,2001-02-03,\n");
    assert_true(isnan(table.value[2]));
    csv_table_free(support_host(), &table);
    (void)snprintf(text, sizeof text, "a,b,c\n%s,2001-02-03,x\n", word);
    assert_refused(&format, "a b c", text,
                   "test:2: column 'a': a word has at most 255 characters, on one line");
    assert_refused(&format, "a b c", "a,b,c\n\"x\ny\",2001-02-03,x\n",
                   "test:2: column 'a': a word has at most 255 characters, on one line");
    assert_refused(&format, "a b c", "a,b,c\nx,2001-02-30,x\n",
                   "test:2: column 'b': '2001-02-30' is no date");
    (void)snprintf(text, sizeof text, "a,b,c\nx,%s,x\n", word);
    assert_refused(&format, "a b c", text, "is no date");
}

static void test_words_that_find_no_memory(void **state)
{
    (void)state;
    static const int8_t kind[] = {CSV_WORD};
    const csv_format format = {.separator = ',', .header = true, .kind = kind};
    static const char text[] = "a\nx\ny\n";
    csv_table table;
    columns list;
    assert_int_equal(columns_parse(support_host(), "inputs", "a", &list), ODEON_OK);
    odeon_status status = ODEON_ERR_NOMEM;
    for (int64_t k = 1, live = mem_live_blocks(); status == ODEON_ERR_NOMEM && k < 30; k++) {
        assert_int_equal(mem_live_blocks(), live);
        const odeon_host *h = support_host();
        mem_fail_at(k);
        status = csv_table_read(h, "test", text, sizeof text - 1, &format, &list, &table);
        mem_fail_at(0);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(table.value[0] == 0.0 && table.value[1] == 1.0);
    csv_table_free(support_host(), &table);
    columns_free(support_host(), &list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_found_by_name_and_by_index),
        cmocka_unit_test(test_a_name_goes_before_an_index),
        cmocka_unit_test(test_numbers_are_decimal_of_every_form),
        cmocka_unit_test(test_lines_end_in_lf_cr_lf_or_not_at_all),
        cmocka_unit_test(test_blank_lines_and_blanks_count_for_nothing),
        cmocka_unit_test(test_a_byte_order_mark_is_passed_over),
        cmocka_unit_test(test_other_separators_leave_commas_alone),
        cmocka_unit_test(test_quoted_cells_hold_anything),
        cmocka_unit_test(test_a_line_of_empty_quotes_is_a_row),
        cmocka_unit_test(test_empty_cells_are_gaps_where_those_are_allowed),
        cmocka_unit_test(test_rows_know_their_lines),
        cmocka_unit_test(test_numbers_are_the_same_in_every_locale),
        cmocka_unit_test(test_rows_of_another_length_are_refused),
        cmocka_unit_test(test_texts_without_rows_are_refused),
        cmocka_unit_test(test_missing_numbers_are_refused),
        cmocka_unit_test(test_what_is_no_number_is_refused),
        cmocka_unit_test(test_a_hint_is_of_its_column_alone),
        cmocka_unit_test(test_columns_that_are_not_there_are_refused),
        cmocka_unit_test(test_a_name_that_stands_twice_is_refused),
        cmocka_unit_test(test_bad_quotes_are_refused),
        cmocka_unit_test(test_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(test_more_columns_than_there_may_be_are_refused),
        cmocka_unit_test(test_what_is_wrong_late_is_found_all_the_same),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_a_list_has_names_indices_and_ranges),
        cmocka_unit_test(test_lists_that_cannot_be_are_refused),
        cmocka_unit_test(test_lists_are_joined),
        cmocka_unit_test(test_names_where_there_are_none_are_refused),
        cmocka_unit_test(test_a_long_name_is_compared_whole),
        cmocka_unit_test(test_long_cells_are_no_numbers),
        cmocka_unit_test(test_words_and_dates),
        cmocka_unit_test(test_many_words_keep_their_numbers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_words_and_dates_that_are_none),
        cmocka_unit_test(test_words_that_find_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
