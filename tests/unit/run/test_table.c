#include <math.h>
#include <stdlib.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run/table.h"

static void assert_printed(const table *t, table_form form, const char *expected)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(table_print(t, form, out), ODEON_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

/* A word that needs quotes, a number, a mean, nothing. */
static table make(void)
{
    table t = {0};
    statistics two = statistics_of(2, (const double[]){0.75, 0.25}), none = statistics_of(0, NULL);
    table_column_add(&t, "name", false);
    table_column_add(&t, "n", false);
    table_column_add(&t, "loss", true);
    table_add_word(&t, "a, \"b\"");
    table_add_number(&t, 1.0 / 3.0, "%.2f");
    table_add_mean(&t, &two);
    table_add_word(&t, "\u00e4");
    table_add_nothing(&t);
    table_add_mean(&t, &none);
    return t;
}

static void test_people_see_aligned_columns(void **state)
{
    (void)state;
    table t = make();
    assert_printed(&t, TABLE_TEXT,
                   "name       n         loss\n"
                   "a, \"b\"  0.33  0.50 \u00b1 0.35\n"
                   "\u00e4          -            -\n");
    table_fini(&t);
}

static void test_no_line_ends_with_blanks(void **state)
{
    (void)state;
    table t = {0};
    table_column_add(&t, "a", false);
    table_column_add(&t, "reason", false);
    table_add_word(&t, "long");
    table_add_word(&t, "");
    table_add_word(&t, "x");
    table_add_word(&t, "y");
    assert_printed(&t, TABLE_TEXT, "a     reason\nlong\nx     y\n");
    table_fini(&t);
}

static void test_programs_see_all_digits(void **state)
{
    (void)state;
    table t = make();
    assert_printed(&t, TABLE_CSV,
                   "name,n,loss,loss_deviation\n"
                   "\"a, \"\"b\"\"\",0.3333333333333333,0.5,0.3535533905932738\n"
                   "\u00e4,,,\n");
    assert_printed(&t, TABLE_JSON,
                   "[\n{\"name\": \"a, \\\"b\\\"\", \"n\": 0.3333333333333333, \"loss\": 0.5, "
                   "\"loss_deviation\": 0.3535533905932738},\n"
                   "{\"name\": \"\u00e4\", \"n\": null, \"loss\": null, \"loss_deviation\": null}\n"
                   "]\n");
    table_fini(&t);
}

static void test_a_table_without_rows_has_its_names(void **state)
{
    (void)state;
    table t = {0};
    table_column_add(&t, "a", false);
    assert_printed(&t, TABLE_TEXT, "a\n");
    assert_printed(&t, TABLE_CSV, "a\n");
    assert_printed(&t, TABLE_JSON, "[]\n");
    table_fini(&t);
}

static void test_a_failed_allocation_is_reported_at_the_end(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 3; n++) {
        mem_fail_at(n);
        table t = make();
        mem_fail_at(0);
        assert_int_equal(table_print(&t, TABLE_CSV, stdout), ODEON_ERR_NOMEM);
        diag_clear();
        table_fini(&t);
    }
    assert_int_equal(mem_live_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_see_aligned_columns),
        cmocka_unit_test(test_no_line_ends_with_blanks),
        cmocka_unit_test(test_programs_see_all_digits),
        cmocka_unit_test(test_a_table_without_rows_has_its_names),
        cmocka_unit_test(test_a_failed_allocation_is_reported_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
