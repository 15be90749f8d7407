/* Tables that runs leave: quotes, missing cells, lines without an end, and what is no table. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "run/run_table.h"

static folder work;

static const char *put(const char *text)
{
    folder_write(&work, "table.csv", text, strlen(text));
    return folder_file(&work, "table.csv");
}

static odeon_view_table *read_text(const char *text)
{
    odeon_view_table *t = NULL;
    const char *path = put(text);
    diag_clear();
    if (run_table_read(path, "table", &t) != ODEON_OK) {
        fail_msg("%s: %s", text, diag_message());
    }
    return t;
}

static void test_cells_are_read_by_column(void **state)
{
    (void)state;
    odeon_view_table *t = read_text("step,split,\"a,\"\"b\"\"\"\n1,train,0.5\n2,\"te\nst\",inf\n");
    assert_int_equal(t->n_rows, 2);
    assert_int_equal(t->n_columns, 3);
    assert_string_equal(t->name, "table");
    assert_string_equal(t->column[2].name, "a,\"b\"");
    assert_true(t->column[0].value[1] == 2);
    assert_string_equal(t->column[1].text[0], "train");
    assert_string_equal(t->column[1].text[1], "te\nst");
    assert_true(isnan(t->column[1].value[0]));
    assert_true(isinf(t->column[2].value[1]));
    run_table_destroy(t);
}

static void test_cells_that_are_missing_are_empty(void **state)
{
    (void)state;
    odeon_view_table *t = read_text("a,b,c\r\n1,,3\r\n4\r\n");
    assert_int_equal(t->n_rows, 2);
    assert_string_equal(t->column[2].name, "c");
    assert_true(isnan(t->column[1].value[0]) && t->column[2].value[0] == 3);
    assert_true(t->column[0].value[1] == 4 && isnan(t->column[2].value[1]));
    assert_string_equal(t->column[2].text[1], "");
    run_table_destroy(t);
}

static void test_a_line_without_its_end_is_left_out(void **state)
{
    (void)state;
    odeon_view_table *t = read_text("a,b\n1,2\n3,4");
    assert_int_equal(t->n_rows, 1);
    run_table_destroy(t);
    t = read_text("a,b");
    assert_int_equal(t->n_columns, 0);
    run_table_destroy(t);
    t = read_text("");
    assert_int_equal(t->n_rows, 0);
    assert_int_equal(t->n_columns, 0);
    run_table_destroy(t);
    t = read_text("a,\"b\n1,2\n"); /* a quote that does not end */
    assert_int_equal(t->n_columns, 0);
    run_table_destroy(t);
}

static void test_a_row_that_is_too_long_is_refused(void **state)
{
    (void)state;
    odeon_view_table *t = NULL;
    const char *path = put("a,b\n1,2\n1,2,3\n");
    diag_clear();
    assert_int_equal(run_table_read(path, "table", &t), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "table.csv:3: more than 2 cells"));
    assert_null(t);
}

static void test_memory_that_ends_is_reported(void **state)
{
    (void)state;
    const char *path = put("a,b\n1,2\n");
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    for (int64_t i = 1; status != ODEON_OK; i++) {
        odeon_view_table *t = NULL;
        mem_fail_at(i);
        status = run_table_read(path, "table", &t);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        run_table_destroy(t);
        assert_int_equal(mem_live_blocks(), before);
        assert_true(i < 50);
    }
}

static int set_up(void **state)
{
    (void)state;
    work = folder_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&work);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_are_read_by_column),
        cmocka_unit_test(test_cells_that_are_missing_are_empty),
        cmocka_unit_test(test_a_line_without_its_end_is_left_out),
        cmocka_unit_test(test_a_row_that_is_too_long_is_refused),
        cmocka_unit_test(test_memory_that_ends_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
