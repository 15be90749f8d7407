/* Curves in characters. */
#include "canvas.h"

#include <string.h>

#include "support.h"

static canvas c;
static char row[3 * CANVAS_COLUMNS + 1];

static void test_a_diagonal_is_the_same_dots_in_each_cell(void **state)
{
    (void)state;
    canvas_clear(&c, 4, 2, true); /* eight dots across and down */
    canvas_line(&c, 0.0, 0.0, 1.0, 1.0);
    canvas_row(&c, 0, row);
    assert_string_equal(row, "  \u2860\u280a"); /* dots 7, 6 of the lower, 3 and 2 of the upper */
    canvas_row(&c, 1, row);
    assert_string_equal(row, "\u2860\u280a");
}

static void test_without_utf8_a_cell_is_one_mark(void **state)
{
    (void)state;
    canvas_clear(&c, 5, 1, false);
    canvas_line(&c, 0.0, 0.5, 0.5, 0.5);
    canvas_mark(&c, 1.0, 0.5);
    canvas_row(&c, 0, row);
    assert_string_equal(row, "*** o");
}

static void test_what_lies_outside_stays_at_the_edge(void **state)
{
    (void)state;
    canvas_clear(&c, 3, 1, false);
    canvas_line(&c, -1.0, 2.0, -0.5, -7.0);
    canvas_mark(&c, 9.0, 9.0);
    canvas_row(&c, 0, row);
    assert_string_equal(row, "* o");
}

static void test_a_canvas_is_no_larger_than_its_memory(void **state)
{
    (void)state;
    canvas_clear(&c, 10 * CANVAS_COLUMNS, 10 * CANVAS_ROWS, true);
    canvas_line(&c, 0.0, 0.0, 1.0, 0.0);
    canvas_row(&c, CANVAS_ROWS - 1, row);
    assert_int_equal(strlen(row), 3 * CANVAS_COLUMNS);
    canvas_row(&c, 0, row);
    assert_string_equal(row, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_diagonal_is_the_same_dots_in_each_cell),
        cmocka_unit_test(test_without_utf8_a_cell_is_one_mark),
        cmocka_unit_test(test_what_lies_outside_stays_at_the_edge),
        cmocka_unit_test(test_a_canvas_is_no_larger_than_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
