#include "run/row_cells.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "support.h"

#include "run_fixture.h"

/* What the header of observers says of a cell's text; a copy of a fixed size has to be in bounds,
 * which a run with sanitizers sees. */
static void assert_texts_are_sound(const row_cells *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const odeon_cell *cell = &x->cells[i];
        char copy[ODEON_CELL_TEXT_BYTES];
        assert_int_equal(cell->length, strlen(cell->text));
        if (cell->type != ODEON_CELL_WORD) {
            memcpy(copy, cell->text, sizeof copy);
            assert_true(cell->length < ODEON_CELL_TEXT_BYTES);
            assert_string_equal(copy, cell->text);
        }
    }
}

static void test_every_text_has_its_length(void **state)
{
    (void)state;
    row_cells x = {0};
    metrics_row row = run_fixture_row();
    assert_true(row_cells_make(&x, &row));
    assert_texts_are_sound(&x);
    row.step = INT64_MIN;
    row.loss = -1.7976931348623157e308;
    row.lr = (double)NAN;
    row.split = ODEON_SPLIT_VALIDATION;
    assert_true(row_cells_make(&x, &row));
    assert_texts_are_sound(&x);
    row_cells_fini(&x);
}

/* A count that is not known, -1, is a number of another type under the same name. */
static void test_a_cell_of_another_type_is_written_again(void **state)
{
    (void)state;
    row_cells x = {0};
    metrics_row row = run_fixture_row();
    assert_true(row_cells_make(&x, &row));
    row.device.waits = -1;
    assert_true(row_cells_make(&x, &row));
    assert_texts_are_sound(&x);
    row.device.waits = 7;
    assert_true(row_cells_make(&x, &row));
    assert_texts_are_sound(&x);
    for (size_t i = 0; i < x.n; i++) {
        if (strcmp(x.cells[i].name, "nsync") == 0) {
            assert_string_equal(x.cells[i].text, "7");
            assert_int_equal(x.cells[i].type, ODEON_CELL_WHOLE);
        }
    }
    row_cells_fini(&x);
}

/* Whole numbers that are the same as doubles. */
static void test_neighbours_beyond_what_a_double_tells_apart(void **state)
{
    (void)state;
    row_cells x = {0};
    metrics_row row = run_fixture_row();
    row.step = INT64_C(9007199254740992);
    assert_true(row_cells_make(&x, &row));
    assert_string_equal(x.cells[0].text, "9007199254740992");
    row.step++;
    assert_true(row_cells_make(&x, &row));
    assert_string_equal(x.cells[0].text, "9007199254740993");
    row_cells_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_has_its_length),
        cmocka_unit_test(test_a_cell_of_another_type_is_written_again),
        cmocka_unit_test(test_neighbours_beyond_what_a_double_tells_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
